"""Asking a storage whether one more request is allowed, and when it will be."""

from fastapi_factory_utilities.core.api.rate_limits import required  # noqa: F401 - says how to install the rest

# isort: split
from typing import Protocol, cast

from limits import RateLimitItemPerSecond
from limits.aio.storage import SlidingWindowCounterSupport, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from fastapi_factory_utilities.core.api.rate_limits.rate import Rate

__all__ = ["Counter", "Counting"]


class Counting(Protocol):
    """Whatever counts."""

    async def take(self, rate: Rate, key: str) -> float | None:
        """Count a request; return `None` if it is allowed, else the seconds until the next one is."""


class Counter:
    """Counts in one storage, in sliding windows: no burst at the border of two windows, two numbers for a client.

    Args:
        storage: Where.
        namespace: What its keys begin with.
    """

    def __init__(self, storage: Storage, namespace: str = "") -> None:
        self._storage = storage
        self._strategy = SlidingWindowCounterRateLimiter(storage)
        self._namespace = namespace

    async def take(self, rate: Rate, key: str) -> float | None:
        """Count a request; return `None` if it is allowed, else the seconds until the next one is."""
        item = RateLimitItemPerSecond(rate.amount, rate.seconds, self._namespace)
        if await self._strategy.hit(item, key):
            return None
        storage = cast("SlidingWindowCounterSupport", self._storage)  # the strategy has seen to that
        previous, previous_left, current, current_left = await storage.get_sliding_window(
            item.key_for(key), rate.seconds
        )
        if current >= rate.amount:
            # Not before the next window, of which this one then is the one before.
            return max(0.0, current_left - rate.seconds)
        # The window before counts for `previous * left / seconds`, and has to come down to what is free.
        free = rate.amount - current
        return max(0.0, previous_left - free * rate.seconds / previous) if previous else 0.0
