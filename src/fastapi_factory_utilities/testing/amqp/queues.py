"""A queue: its messages, its consumers, and its clock."""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from fastapi_factory_utilities.testing.amqp.arguments import QueueArguments
from fastapi_factory_utilities.testing.amqp.entries import Entries, Entry
from fastapi_factory_utilities.testing.amqp.messages import Message

__all__ = ["Consuming", "Queue"]


class Consuming(Protocol):
    """A consumer, as a queue sees it."""

    exclusive: bool
    priority: int

    def ready(self) -> bool:
        """Whether it takes another message now."""

    def take(self, entry: Entry) -> None:
        """Be given a message."""

    def cancelled(self) -> None:
        """Learn that the queue is gone."""


class Queue:
    """A queue of one virtual host.

    Args:
        name: Its name.
        arguments: As declared.
        owner: The connection that it belongs to; None is everybody's.
        dead_letter: Called with a message that dies here, and why.
        expired: Called when the queue itself was unused for too long.
    """

    def __init__(
        self,
        name: str,
        *,
        durable: bool,
        auto_delete: bool,
        owner: object | None,
        arguments: Mapping[str, Any],
        dead_letter: "Callable[[Queue, Message, str], None]",
        expired: "Callable[[Queue], None]",
    ) -> None:
        self.name = name
        self.durable = durable
        self.auto_delete = auto_delete
        self.owner = owner
        self.arguments: dict[str, Any] = dict(arguments)
        self.asked: QueueArguments = QueueArguments.read(name, arguments)
        self.ready: Entries = Entries()
        self.unacked: dict[Entry, None] = {}
        self.consumers: list[Consuming] = []
        self._dead_letter = dead_letter
        self._expired = expired
        self._numbers = itertools.count()
        self._alarm: asyncio.TimerHandle | None = None
        self._end: asyncio.TimerHandle | None = None
        self.touch()

    # --- messages in ---

    def publish(self, message: Message) -> bool:
        """Add a message; returns False when the queue is full and refuses it."""
        if self.asked.overflow != "drop-head" and self._full(message):
            if self.asked.overflow == "reject-publish-dlx":
                self._dead_letter(self, message, "maxlen")
            return False
        ttls = [ttl for ttl in (message.expiration_ms, self.asked.message_ttl_ms) if ttl is not None]
        expires_at = _now() + min(ttls) / 1000 if ttls else None
        place = (-min(message.priority, self.asked.max_priority), next(self._numbers))
        alone = not self.ready
        self.ready.add(Entry(message, place, expires_at))
        if alone:  # a message that expires at once still goes to a consumer who waits for it
            self._hand_out()
        self.pump()
        while self.ready and self._over():
            self._die(self.ready.take(), "maxlen")
        return True

    def give_back(self, entries: Iterable[Entry]) -> None:
        """Put messages that were delivered back in their places."""
        for entry in entries:
            if self.unacked.pop(entry, False) is False:
                continue  # the queue was deleted or purged meanwhile
            entry.deliveries += 1
            limit = self.asked.delivery_limit if self.asked.quorum else None
            if limit is not None and entry.deliveries > limit:
                self._die(entry, "delivery_limit")
            else:
                self.ready.add(entry)
        self.pump()

    # --- messages out ---

    def get(self) -> Entry | None:
        """Take the next message; it is unacked then."""
        self.touch()
        self._expire()
        if not self.ready:
            return None
        entry = self.ready.take()
        self.unacked[entry] = None
        self.pump()  # behind it may be one that has expired
        return entry

    def settle(self, entry: Entry) -> None:
        """Forget a message that was delivered."""
        self.unacked.pop(entry, None)

    def reject(self, entry: Entry) -> None:
        """Let a message that was delivered die."""
        if self.unacked.pop(entry, False) is None:
            self._die(entry, "rejected")

    def purge(self) -> int:
        """Remove what waits, and return how many there were."""
        count = len(self.ready)
        self.ready.clear()
        return count

    def restore(self, entries: Iterable[Entry]) -> None:
        """Take over the messages of the queue that this one was before the broker was restarted."""
        for entry in entries:
            self.ready.add(entry)
        self._numbers = itertools.count(max((entry.place[1] for entry in self.ready), default=-1) + 1)
        self.pump()

    # --- consumers ---

    def add(self, consumer: Consuming) -> None:
        """Add a consumer; `pump()` starts it."""
        self.consumers.append(consumer)
        self.touch()

    def remove(self, consumer: Consuming) -> None:
        """Remove a consumer."""
        self.consumers.remove(consumer)
        self.touch()
        self.pump()

    @property
    def exclusively_consumed(self) -> bool:
        """Whether a consumer wants to be the only one."""
        return any(consumer.exclusive for consumer in self.consumers)

    # --- time ---

    def pump(self) -> None:
        """Hand out what can be handed out, drop what has expired."""
        self._expire()
        self._hand_out()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if (first := self.ready.first) is not None and first.expires_at is not None:
            self._alarm = asyncio.get_running_loop().call_at(first.expires_at, self.pump)

    def touch(self) -> None:
        """Begin anew to count the time that it is unused."""
        if self._end is not None:
            self._end.cancel()
            self._end = None
        if self.asked.expires_ms is not None and not self.consumers:
            self._end = asyncio.get_running_loop().call_later(self.asked.expires_ms / 1000, self._expired, self)

    def close(self) -> None:
        """Stop its clocks, forget its messages, and tell its consumers."""
        for clock in (self._alarm, self._end):
            if clock is not None:
                clock.cancel()
        self.ready.clear()
        self.unacked.clear()
        consumers, self.consumers = self.consumers, []
        for consumer in consumers:
            consumer.cancelled()

    def _hand_out(self) -> None:
        while self.ready and (consumer := self._next()) is not None:
            entry = self.ready.take()
            self.unacked[entry] = None
            consumer.take(entry)
            self._expire()

    def _next(self) -> Consuming | None:
        """The consumer whose turn it is: the highest priority first, in turns among equals."""
        among = self.consumers[:1] if self.asked.single_active_consumer else self.consumers
        able = [consumer for consumer in among if consumer.ready()]
        if not able:
            return None
        chosen = max(able, key=lambda consumer: consumer.priority)
        if not self.asked.single_active_consumer:
            self.consumers.remove(chosen)
            self.consumers.append(chosen)
        return chosen

    def _expire(self) -> None:
        # As in RabbitMQ, only the first message is looked at: behind one that lives longer, a message waits.
        now = _now()
        while (first := self.ready.first) is not None and first.expires_at is not None and first.expires_at <= now:
            self._die(self.ready.take(), "expired")

    def _die(self, entry: Entry, reason: str) -> None:
        self._dead_letter(self, entry.message, reason)

    def _full(self, message: Message) -> bool:
        length, size = self.asked.max_length, self.asked.max_length_bytes
        return (length is not None and len(self.ready) >= length) or (
            size is not None and self.ready.bytes + len(message.body) > size
        )

    def _over(self) -> bool:
        length, size = self.asked.max_length, self.asked.max_length_bytes
        return (length is not None and len(self.ready) > length) or (size is not None and self.ready.bytes > size)


def _now() -> float:
    return asyncio.get_running_loop().time()
