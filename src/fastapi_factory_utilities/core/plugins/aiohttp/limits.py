"""Never more calls at a time, nor in a second, than a service is to get."""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.app.configuration.sections.resilience import (
        HttpConcurrencyConfig,
        HttpRateConfig,
    )

__all__ = ["ConcurrencyLimit", "LimitReachedError", "RateLimit"]


class LimitReachedError(Exception):
    """It is not a call's turn, and will not be in time; the text says why."""


class ConcurrencyLimit:
    """Lets so many calls pass at a time; the others wait in their order, so many of them.

    Args:
        config: The entry's part `concurrency`, with a limit.
    """

    __slots__ = ("_config", "_places", "_waiting")

    def __init__(self, config: "HttpConcurrencyConfig") -> None:
        self._config = config
        self._places = asyncio.Semaphore(config.limit)
        self._waiting = 0

    async def enter(self, seconds: float) -> None:
        """Take a place; give it back with `leave`.

        Args:
            seconds: The longest that it makes sense to wait.

        Raises:
            LimitReachedError: There is none, nor will there be one in time.
        """
        if not self._places.locked():
            await self._places.acquire()
            return
        if self._waiting >= self._config.queue:
            raise LimitReachedError(f"{self._config.limit} calls are in flight and {self._waiting} wait already")
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await self._places.acquire()
        except TimeoutError:
            raise LimitReachedError(f"{self._config.limit} calls are in flight, and none ended in time") from None
        finally:
            self._waiting -= 1

    def leave(self) -> None:
        """Give the place back."""
        self._places.release()


class RateLimit:
    """Lets so many calls begin in a second, evenly, after so many at once.

    Args:
        config: The entry's part `rate`, with a rate.
        clock: Seconds.
    """

    __slots__ = ("_ahead", "_clock", "_interval", "_next", "_queue_seconds")

    def __init__(self, config: "HttpRateConfig", *, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = 1 / config.per_second
        self._ahead = (config.burst - 1) * self._interval
        self._queue_seconds = config.queue_seconds
        self._clock = clock
        self._next = clock() - self._ahead

    def reserve(self, seconds: float) -> float:
        """Take the next turn, and return the seconds until it comes.

        Args:
            seconds: The longest that it makes sense to wait.

        Raises:
            LimitReachedError: It comes too late; it is left for others.
        """
        now = self._clock()
        begins = max(self._next, now - self._ahead)
        wait = begins - now
        if wait > min(seconds, self._queue_seconds):
            raise LimitReachedError(f"the next turn comes in {wait:.3g} s only")
        self._next = begins + self._interval
        return max(0.0, wait)
