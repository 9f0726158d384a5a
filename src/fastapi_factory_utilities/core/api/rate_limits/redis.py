"""Counting in Redis, for all processes of a service; while it is away each process counts for itself."""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.api.rate_limits import required  # noqa: F401 - says how to install the rest

# isort: split
from limits.aio.storage import RedisStorage

from fastapi_factory_utilities.core.api.rate_limits.counting import Counter, Counting
from fastapi_factory_utilities.core.api.rate_limits.rate import Rate
from fastapi_factory_utilities.core.api.rate_limits.settings import RateLimitSettings
from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.redis_client import RedisUnavailableError, redis_errors

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["RedisCounter"]

_log = get_logger(__name__)


class RedisCounter:
    """Counts in Redis, with the connections of `RedisPlugin`.

    A Redis that does not answer, or refuses, lets one request wait and none fail: limits then hold for each process
    alone, until it counts again.

    Args:
        client: What talks to Redis.
        settings: How long to wait for it, and what its keys begin with.
        local: What counts meanwhile.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        client: "Redis",
        settings: RateLimitSettings,
        local: Counting,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # The pool alone: the client is closed by whom it belongs to.
        options: dict[str, Any] = {"connection_pool": client.connection_pool}
        storage = RedisStorage("async+redis://", implementation="redispy", key_prefix=settings.prefix, **options)
        self._shared = Counter(storage)
        errors = storage.base_exceptions
        self._failures: tuple[type[Exception], ...] = (
            RedisUnavailableError,
            *(errors if isinstance(errors, tuple) else (errors,)),
        )
        self._local = local
        self._clock = clock
        self._timeout = settings.redis_timeout_ms / 1000
        self._retry_seconds = settings.redis_retry_seconds
        self._try_at: float | None = None

    async def take(self, rate: Rate, key: str) -> float | None:
        """Count a request; return `None` if it is allowed, else the seconds until the next one is."""
        if self._try_at is not None:
            now = self._clock()
            if now < self._try_at:
                return await self._local.take(rate, key)
            # One request finds out; the others do not wait for it.
            self._try_at = now + self._retry_seconds
        try:
            with redis_errors("count a request"):
                async with asyncio.timeout(self._timeout):
                    wait = await self._shared.take(rate, key)
        except self._failures as error:
            if self._try_at is None:
                # Of what is no outage, such as a user without rights, the driver's text may say too much.
                reason = error.message if isinstance(error, RedisUnavailableError) else type(error).__name__
                _log.warning("rate limits not shared", reason=reason, retry_seconds=self._retry_seconds)
            self._try_at = self._clock() + self._retry_seconds
            return await self._local.take(rate, key)
        if self._try_at is not None:
            self._try_at = None
            _log.info("rate limits shared again")
        return wait
