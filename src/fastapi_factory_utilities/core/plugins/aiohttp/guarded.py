"""Attempts behind a circuit breaker."""

from functools import partial
from typing import Final

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from aiohttp import ClientResponse

from fastapi_factory_utilities.core.plugins.aiohttp.attempts import Attempts, Request, Wait
from fastapi_factory_utilities.core.plugins.aiohttp.breaker import CircuitBreaker
from fastapi_factory_utilities.core.plugins.aiohttp.call_errors import (
    AioHttpClientCircuitOpenError,
    AioHttpClientTimeoutError,
    AioHttpClientUnavailableError,
)
from fastapi_factory_utilities.core.plugins.aiohttp.response import AioHttpClientResponse

__all__ = ["GuardedAttempts", "Outcome"]

type Outcome = ClientResponse | AioHttpClientUnavailableError

_SERVER_ERRORS: Final = range(500, 600)


class GuardedAttempts:
    """Makes attempts while the breaker lets them pass, and tells it how they end.

    Args:
        dependency: The service's name.
        attempts: What makes them.
        breaker: The service's breaker; `None` lets all pass.
    """

    __slots__ = ("_attempts", "_breaker", "_dependency")

    def __init__(self, dependency: str, attempts: Attempts, breaker: CircuitBreaker | None) -> None:
        self._dependency = dependency
        self._attempts = attempts
        self._breaker = breaker

    @property
    def is_open(self) -> bool:
        """Whether attempts are refused at the moment."""
        return self._breaker is not None and self._breaker.is_open

    async def make(self, request: Request, wait: Wait, resend: int, *, hurried: bool) -> Outcome:
        """Make an attempt, and return how it ended.

        Args:
            request: What is asked.
            wait: How long it may take.
            resend: How often it was sent before.
            hurried: Whether that is less than configured, for our caller's sake: to be late then is not the service's
                fault, and a caller in a hurry must not cut everybody else off.

        Raises:
            AioHttpClientCircuitOpenError: The breaker does not let it pass.
        """
        breaker = self._breaker
        if breaker is None:
            try:
                return self._marked(await self._attempts.make(request, wait, resend))
            except AioHttpClientUnavailableError as error:
                return error
        ticket = breaker.enter()
        if ticket is None:
            raise self._left_alone(breaker)
        try:
            response = await self._attempts.make(request, wait, resend)
        except AioHttpClientUnavailableError as error:
            if hurried and isinstance(error, AioHttpClientTimeoutError):
                breaker.abandoned(ticket)
            else:
                breaker.failed(ticket)
            return error
        except BaseException:
            breaker.abandoned(ticket)
            raise
        if response.status in _SERVER_ERRORS:
            breaker.failed(ticket)
        else:
            breaker.succeeded(ticket)
        return self._marked(response, partial(breaker.failed, ticket))

    def _marked(self, response: ClientResponse, on_broken: "partial[None] | None" = None) -> ClientResponse:
        """Let the response know whose it is."""
        if isinstance(response, AioHttpClientResponse):
            response.dependency = self._dependency
            response.on_broken = on_broken
        return response

    def _left_alone(self, breaker: CircuitBreaker) -> AioHttpClientCircuitOpenError:
        seconds = breaker.seconds_until_probe
        key = self._dependency
        return AioHttpClientCircuitOpenError(
            f"{key}: not called: it failed too often, and is left alone for another {seconds:.3g} s; see the health "
            f"component external_service:{key}, and the service's own log",
            retry_after_seconds=max(seconds, 1.0),
            dependency=key,
        )
