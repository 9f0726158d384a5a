"""A queue that never makes anybody wait: what does not fit is dropped, and counted."""

from collections import deque
from collections.abc import Callable
from itertools import count

__all__ = ["BoundedQueue"]


class BoundedQueue[ItemT]:
    """Takes items from any thread, and gives them to one in batches.

    Args:
        capacity: How many items wait at most.
        batch_size: How many are taken at once; when so many wait, `full_batch` is called.
        full_batch: Called at once by whoever puts the item in, so it must be cheap.
    """

    __slots__ = ("_batch_size", "_capacity", "_counter", "_full_batch", "_items", "dropped")

    def __init__(self, capacity: int, batch_size: int, full_batch: Callable[[], object]) -> None:
        self._items: deque[ItemT] = deque()
        self._capacity = capacity
        self._batch_size = min(batch_size, capacity)
        self._full_batch = full_batch
        self._counter = count(1)  # its `next` is one step for every thread
        self.dropped: int = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def has_batch(self) -> bool:
        """Whether a whole batch waits."""
        return len(self._items) >= self._batch_size

    def put(self, item: ItemT) -> None:
        """Add an item, or drop it."""
        items = self._items
        waiting = len(items) + 1
        if waiting > self._capacity:
            self.dropped = next(self._counter)
            return
        items.append(item)
        if waiting == self._batch_size:  # and not with every item after it, while the collector is away
            self._full_batch()

    def take(self) -> list[ItemT]:
        """Take a batch, the oldest first."""
        items = self._items
        return [items.popleft() for _ in range(min(self._batch_size, len(items)))]
