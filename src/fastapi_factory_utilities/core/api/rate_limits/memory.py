"""Counting in the memory of one process."""

import time
from collections import OrderedDict
from collections.abc import Callable

from fastapi_factory_utilities.core.api.rate_limits import required  # noqa: F401 - says how to install the rest

# isort: split
from limits.aio.storage import SlidingWindowCounterSupport, Storage

__all__ = ["BoundedMemory"]


class BoundedMemory(Storage, SlidingWindowCounterSupport):
    """A storage for `limits` that never grows beyond its bound, and takes the same time however many it knows.

    The library's own storage looks at every key at every request, and forgets them only when their time is over: a
    flood of addresses would make it large, and slow. This one forgets who has not come for longest.

    Args:
        max_keys: The bound.
        clock: Seconds that never go back.
    """

    STORAGE_SCHEME: list[str] | None = None

    def __init__(self, max_keys: int, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._max_keys = max_keys
        self._clock = clock
        # By key: the number of the window, how often it was asked in it, and in the one before.
        self._windows: OrderedDict[str, tuple[int, int, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the driver's errors derive from: there is no driver."""
        return ValueError

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count a request if the limit allows it; the window before counts for the part of it that is not over yet."""
        number, current, previous, left = self._now(key, expiry)
        if int(previous * left / expiry) + current + amount > limit:
            return False
        self._keep(key, (number, current + amount, previous))
        return True

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Return the count of the window before and when it stops to matter, then the same of this one."""
        _, current, previous, left = self._now(key, expiry)
        return previous, left if previous else 0.0, current, left + expiry if current else 0.0

    async def clear_sliding_window(self, key: str, expiry: int) -> None:  # noqa: ARG002 - the library's signature
        """Forget one key."""
        await self.clear(key)

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count a request in a fixed window."""
        number, current, previous, _ = self._now(key, expiry)
        self._keep(key, (number, current + amount, previous))
        return current + amount

    async def get(self, key: str) -> int:
        """Return what was counted last for a key."""
        return self._windows.get(key, (0, 0, 0))[1]

    async def get_expiry(self, key: str) -> float:  # noqa: ARG002 - as above
        """Return now: there is nothing to wait for."""
        return time.time()

    async def check(self) -> bool:
        """Memory is always there."""
        return True

    async def reset(self) -> int | None:
        """Forget everything; return how many keys there were."""
        count = len(self._windows)
        self._windows.clear()
        return count

    async def clear(self, key: str) -> None:
        """Forget one key."""
        self._windows.pop(key, None)

    def _now(self, key: str, expiry: int) -> tuple[int, int, int, float]:
        """The number of the present window, its count, that of the one before, and the seconds that are left of it."""
        number, passed = divmod(self._clock(), expiry)
        known, current, previous = self._windows.get(key, (-1, 0, 0))
        left = expiry - passed
        if known == number:
            return known, current, previous, left
        return int(number), 0, current if known == number - 1 else 0, left

    def _keep(self, key: str, window: tuple[int, int, int]) -> None:
        self._windows[key] = window
        self._windows.move_to_end(key)
        if len(self._windows) > self._max_keys:
            self._windows.popitem(last=False)
