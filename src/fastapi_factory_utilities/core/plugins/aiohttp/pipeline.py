"""What every call passes: limits, the total time, repetitions, the circuit breaker, attempts; in this order (0040)."""

import asyncio
import time
from math import inf
from typing import TYPE_CHECKING

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from aiohttp import ClientResponse

from fastapi_factory_utilities.core.plugins.aiohttp.attempts import Request, Wait
from fastapi_factory_utilities.core.plugins.aiohttp.call_errors import (
    AioHttpClientDeadlineError,
    AioHttpClientLimitError,
    AioHttpClientTimeoutError,
)
from fastapi_factory_utilities.core.plugins.aiohttp.deadlines import current_deadline
from fastapi_factory_utilities.core.plugins.aiohttp.errors import AioHttpClientClosedError
from fastapi_factory_utilities.core.plugins.aiohttp.guarded import GuardedAttempts, Outcome
from fastapi_factory_utilities.core.plugins.aiohttp.inflight import InFlight
from fastapi_factory_utilities.core.plugins.aiohttp.limits import ConcurrencyLimit, LimitReachedError, RateLimit
from fastapi_factory_utilities.core.plugins.aiohttp.retrying import Retrying
from fastapi_factory_utilities.core.plugins.aiohttp.translating import was_never_sent
from fastapi_factory_utilities.core.plugins.aiohttp.waits import Waits

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.app.configuration.sections.dependencies import HttpServiceDependencyConfig

__all__ = ["Pipeline"]


class Pipeline:
    """Makes calls to one service.

    Args:
        dependency: The service's name.
        config: Its entry.
        attempts: What makes each attempt.

    Attributes:
        waits: How long its calls may take.
        in_flight: Those that are on their way.
    """

    def __init__(
        self,
        dependency: str,
        config: "HttpServiceDependencyConfig",
        *,
        attempts: GuardedAttempts,
    ) -> None:
        self._dependency = dependency
        self._guarded = attempts
        self._retrying = Retrying(config.retry)
        self._concurrency = ConcurrencyLimit(config.concurrency) if config.concurrency.limit else None
        self._rate = RateLimit(config.rate) if config.rate.per_second else None
        self.waits: Waits = Waits(config)
        self.in_flight: InFlight = InFlight()

    async def call(self, request: Request, given: Wait | None) -> ClientResponse:
        """Make a call, and return the answer when its headers are there.

        Args:
            request: What is asked.
            given: The caller's own timeout.

        Raises:
            AioHttpClientCallError: There is no answer.
            AioHttpClientClosedError: The application stopped.
        """
        waits = self.waits
        wait, total = (waits.usual, waits.total_seconds) if given is None else (given, given.seconds or inf)
        ends = time.monotonic() + total
        theirs = current_deadline()
        if theirs is not None and theirs < ends:
            ends = theirs
        else:
            theirs = None
        if self._rate is not None or self._concurrency is not None:
            await self._enter(ends)
        self.in_flight.enter()
        try:
            response = await self._repeat(request, wait, ends, is_theirs=theirs is not None)
        except BaseException:
            self._leave()
            raise
        connection = response.connection
        if connection is None:  # the whole answer is here
            self._leave()
        else:
            connection.add_callback(self._leave)
        return response

    async def _enter(self, ends: float) -> None:
        """Wait for the call's turn."""
        try:
            if self._rate is not None:
                pause = self._rate.reserve(ends - time.monotonic())
                if pause:
                    await asyncio.sleep(pause)
            if self._concurrency is not None:
                await self._concurrency.enter(ends - time.monotonic())
        except LimitReachedError as reached:
            raise AioHttpClientLimitError(
                f"{self._dependency}: not called: {reached}; call it less, or raise the limits (concurrency, rate) "
                f"of its entry in dependencies",
                dependency=self._dependency,
            ) from None

    def _leave(self) -> None:
        self.in_flight.leave()
        if self._concurrency is not None:
            self._concurrency.leave()

    async def _repeat(self, request: Request, wait: Wait, ends: float, *, is_theirs: bool) -> ClientResponse:
        """Make attempts until one counts."""
        self._retrying.budget.deposit()
        made = 0
        while True:
            if self.in_flight.cut_off:
                raise AioHttpClientClosedError(
                    f"{self._dependency}: given up: the application stopped meanwhile", dependency=self._dependency
                )
            remaining = ends - time.monotonic()
            if remaining <= 0:
                raise self._too_late(request, is_theirs=is_theirs)
            hurried = is_theirs and (wait.seconds is None or remaining < wait.seconds)
            outcome = await self._guarded.make(request, self.waits.within(wait, remaining), made, hurried=hurried)
            if isinstance(outcome, ClientResponse) and outcome.status not in self._retrying.statuses:
                return outcome
            made += 1
            pause = self._pause(request, outcome, made, ends)
            if isinstance(outcome, ClientResponse):
                if pause is None:
                    return outcome
                outcome.release()
            elif pause is None:
                if hurried and isinstance(outcome, AioHttpClientTimeoutError):
                    raise self._too_late(request, is_theirs=True) from None
                raise outcome
            await asyncio.sleep(pause)

    def _pause(self, request: Request, outcome: Outcome, made: int, ends: float) -> float | None:
        """Return the seconds until the next attempt; `None` if this outcome is the last."""
        if self._guarded.is_open:
            return None
        return self._retrying.pause(
            made,
            request.method,
            {**request.options, "headers": request.headers},
            never_sent=not isinstance(outcome, ClientResponse) and was_never_sent(outcome),
            headers=outcome.headers if isinstance(outcome, ClientResponse) else None,
            remaining_seconds=ends - time.monotonic(),
        )

    def _too_late(self, request: Request, *, is_theirs: bool) -> AioHttpClientTimeoutError:
        asked = f"{request.method} {request.url.path}"
        if is_theirs:
            return AioHttpClientDeadlineError(
                f"{self._dependency}: {asked} was given up: whoever called this service does not wait any longer; see "
                f"why it gives so little time, or what took it",
                dependency=self._dependency,
            )
        return AioHttpClientTimeoutError(
            f"{self._dependency}: {asked} took longer than allowed: see whether the service is overloaded, or raise "
            f"timeout.total_seconds of its entry in dependencies",
            dependency=self._dependency,
        )
