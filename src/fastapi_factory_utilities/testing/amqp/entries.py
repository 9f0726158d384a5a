"""Messages in a queue, in their order."""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator

from fastapi_factory_utilities.testing.amqp.messages import Message

__all__ = ["Entries", "Entry"]


class Entry:
    """A message in one queue.

    Attributes:
        message: The message.
        place: Its place in the queue, also after it was given back.
        expires_at: When it expires (of the loop's clock); None is never.
        deliveries: How often it was delivered and given back.
    """

    __slots__ = ("deliveries", "expires_at", "message", "place")

    def __init__(self, message: Message, place: tuple[int, int], expires_at: float | None) -> None:
        self.message: Message = message
        self.place: tuple[int, int] = place
        self.expires_at: float | None = expires_at
        self.deliveries: int = 0

    @property
    def redelivered(self) -> bool:
        """Whether somebody may have seen it."""
        return self.deliveries > 0

    def size(self) -> int:
        """How much of the queue's limit in bytes it takes."""
        return len(self.message.body)


class Entries:
    """The messages that wait; the first is the next to be delivered."""

    def __init__(self) -> None:
        self._waiting: deque[Entry] = deque()
        self.bytes: int = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._waiting)

    @property
    def first(self) -> Entry | None:
        """The next one."""
        return self._waiting[0] if self._waiting else None

    def add(self, entry: Entry) -> None:
        """Put one in its place."""
        self.bytes += entry.size()
        if not self._waiting or self._waiting[-1].place < entry.place:
            self._waiting.append(entry)
        elif entry.place < self._waiting[0].place:
            self._waiting.appendleft(entry)
        else:
            self._waiting.insert(bisect_left(self._waiting, entry.place, key=lambda other: other.place), entry)

    def take(self) -> Entry:
        """Take the next one out."""
        entry = self._waiting.popleft()
        self.bytes -= entry.size()
        return entry

    def clear(self) -> None:
        """Take all out."""
        self._waiting.clear()
        self.bytes = 0
