"""`AioHttpClientResource`: one service that is called over HTTP."""

import ssl
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
import aiohttp

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.aiohttp.acquiring import Acquired, ClientSessions
from fastapi_factory_utilities.core.plugins.aiohttp.attempts import Attempts
from fastapi_factory_utilities.core.plugins.aiohttp.breaker import CircuitBreaker
from fastapi_factory_utilities.core.plugins.aiohttp.errors import AioHttpClientClosedError
from fastapi_factory_utilities.core.plugins.aiohttp.guarded import GuardedAttempts
from fastapi_factory_utilities.core.plugins.aiohttp.pipeline import Pipeline
from fastapi_factory_utilities.core.plugins.aiohttp.session import AioHttpClientSession
from fastapi_factory_utilities.core.plugins.aiohttp.told import Told
from fastapi_factory_utilities.core.plugins.aiohttp.urls import BaseUrl
from fastapi_factory_utilities.core.services.status import (
    ComponentSubject,
    HealthStatusEnum,
    ReadinessStatusEnum,
    Status,
)
from fastapi_factory_utilities.core.telemetry import NO_TELEMETRY, Telemetry

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.app.configuration.sections.dependencies import HttpServiceDependencyConfig

__all__ = ["AioHttpClientResource"]

_log = get_logger(__name__)


class AioHttpClientResource:
    """A service by its name in `dependencies`: its connections, its limits, its circuit breaker.

    ::

        async with resource.acquire_client_session() as session:
            async with session.get("users/1") as response:
                user = await response.json()

    All sessions share connections and limits; acquiring one is cheap. Outside of an application, open it:
    `async with AioHttpClientResource("mail", config) as resource`.

    Args:
        key: The service's name.
        config: Its entry in `dependencies`.
        tls: What `aiohttp.TCPConnector` takes as `ssl`.
        telemetry: Where its attempts are told of.
        health: Where its breaker is told of.

    Attributes:
        key: The service's name.
        base: Its address.
        pipeline: What its calls pass.
    """

    def __init__(
        self,
        key: str,
        config: "HttpServiceDependencyConfig",
        *,
        tls: ssl.SSLContext | bool = True,
        telemetry: Telemetry = NO_TELEMETRY,
        health: ComponentSubject | None = None,
    ) -> None:
        self.key: str = key
        self.base: BaseUrl = BaseUrl(config.url)
        self._config = config
        self._tls = tls
        self._health = health
        self._connector: aiohttp.BaseConnector | None = None
        self._sessions: ClientSessions | None = None
        breaker: CircuitBreaker | None = None
        if config.breaker.enabled:
            breaker = CircuitBreaker(config.breaker, on_open=self._opened, on_close=self._closed)
        self.breaker: CircuitBreaker | None = breaker
        attempts = Attempts(key, Told(telemetry, self.base))
        self.pipeline: Pipeline = Pipeline(key, config, attempts=GuardedAttempts(key, attempts, breaker))

    @property
    def closed(self) -> bool:
        """Whether it can not be used (any more)."""
        return self._connector is None

    @property
    def sessions(self) -> ClientSessions:
        """The sessions of aiohttp, below ours.

        Raises:
            AioHttpClientClosedError: The application stopped, or does not run yet.
        """
        if self._sessions is None:
            raise self._not_running()
        return self._sessions

    def check_open(self) -> None:
        """Raise when it cannot be used.

        Raises:
            AioHttpClientClosedError: The application stopped, or does not run yet.
        """
        if self._connector is None:
            raise self._not_running()

    def acquire_client_session(
        self, **kwargs: Any  # noqa: ANN401 - aiohttp's
    ) -> AbstractAsyncContextManager[AioHttpClientSession]:
        """Return a session for as long as a block lasts.

        Args:
            **kwargs: What `aiohttp.ClientSession` takes, such as `headers`, `cookies`, `timeout`, `raise_for_status`;
                but not a base URL nor a connector, which are the service's own.

        Raises:
            AioHttpClientClosedError: When entered: the application stopped, or does not run yet.
            TypeError: When entered: aiohttp does not know an argument.
        """
        return Acquired(self, kwargs)

    def open(self) -> None:
        """Become usable; nothing is connected before a call is made. Needs a running event loop."""
        config = self._config
        self._connector = aiohttp.TCPConnector(
            limit=config.limit,
            limit_per_host=config.limit_per_host,
            use_dns_cache=config.use_dns_cache,
            ttl_dns_cache=config.ttl_dns_cache,
            ssl=self._tls,
        )
        self.pipeline.in_flight.cut_off = False
        self._sessions = ClientSessions(self._connector, self.pipeline.waits.headers)

    async def close(self, *, within_seconds: float = inf) -> None:
        """Let calls in flight finish, for `graceful_shutdown_timeout`; then close every connection.

        Args:
            within_seconds: How long they may take if that is less.
        """
        connector, sessions = self._connector, self._sessions
        if connector is None or sessions is None:
            return
        seconds = min(self._config.graceful_shutdown_timeout, within_seconds)
        try:
            left = await self.pipeline.in_flight.ended(seconds)
            if left:
                _log.warning("outgoing calls cut off", dependency=self.key, calls=left, after_s=seconds)
        finally:
            self._connector = self._sessions = None
            self.pipeline.in_flight.cut_off = True
            sessions.close()
            await connector.close()

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _not_running(self) -> AioHttpClientClosedError:
        return AioHttpClientClosedError(
            f"{self.key}: not called: the application does not run; call only between its start and its stop",
            dependency=self.key,
        )

    def _opened(self, failures: int, attempts: int, seconds: float) -> None:
        if self._health is not None:
            self._health.on_next(
                Status(
                    HealthStatusEnum.DEGRADED,
                    ReadinessStatusEnum.READY,
                    reason=f"{failures} of {attempts} attempts failed: it is not called for {seconds:g} s, then once",
                    next_try_at=datetime.now(UTC) + timedelta(seconds=seconds),
                )
            )

    def _closed(self) -> None:
        if self._health is not None:
            self._health.healthy()
