"""What lanes carry: batches out of a queue."""

from collections.abc import Callable, Sequence
from time import monotonic

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.lane import Parcel
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.queue import BoundedQueue

__all__ = ["Batches"]


class Batches[ItemT]:
    """Makes parcels of what waits in a queue: as soon as there is a whole batch, and at least so often. A `Source`.

    Args:
        queue: The queue.
        encode: Makes a request of a batch, and never fails; nothing if there is nothing to tell.
        delay_seconds: How long an item waits for others at most.
    """

    def __init__(
        self, queue: BoundedQueue[ItemT], encode: Callable[[Sequence[ItemT]], bytes], *, delay_seconds: float
    ) -> None:
        self._queue = queue
        self._encode = encode
        self._delay = delay_seconds
        self._taken_at = monotonic()
        self._told_lost = 0

    def due_at(self) -> float:
        """Say when there is something to send."""
        if self._queue.has_batch:
            return 0.0
        due = self._taken_at + self._delay
        if not self._queue and due <= monotonic():
            due = self._taken_at = monotonic() + self._delay
        return due

    def take(self) -> Parcel | None:
        """Encode a batch."""
        self._taken_at = monotonic()
        items = self._queue.take()
        payload = self._encode(items) if items else b""
        return Parcel(payload, len(items)) if payload else None

    def has_more(self) -> bool:
        """Say whether anything waits."""
        return bool(self._queue)

    def lost(self) -> int:
        """Say how many items did not fit into the queue."""
        dropped = self._queue.dropped
        lost, self._told_lost = dropped - self._told_lost, dropped
        return lost

    def discard(self) -> int:
        """Empty the queue."""
        discarded = 0
        while items := self._queue.take():
            discarded += len(items)
        return discarded
