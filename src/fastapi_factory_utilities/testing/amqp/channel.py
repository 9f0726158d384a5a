"""A channel: its consumers, and what it was given and has not settled."""

import itertools
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from pamqp import base, commands

from fastapi_factory_utilities.testing.amqp.entries import Entry
from fastapi_factory_utilities.testing.amqp.faults import ChannelFault
from fastapi_factory_utilities.testing.amqp.messages import Message
from fastapi_factory_utilities.testing.amqp.queues import Queue
from fastapi_factory_utilities.testing.amqp.vhosts import VirtualHost

__all__ = ["Channel", "Consumer", "Link"]


class Link(Protocol):
    """A connection, as its channels see it."""

    user: str
    hears_cancel: bool

    @property
    def writable(self) -> bool:
        """Whether the client reads what we write."""

    def send(self, channel: int, *methods: base.Frame) -> None:
        """Write methods."""

    def send_content(self, channel: int, method: base.Frame, message: Message) -> None:
        """Write a method that brings a message."""


class _Delivered(NamedTuple):
    entry: Entry
    queue: Queue
    consumer: "Consumer | None"


class Consumer:
    """Somebody who is sent the messages of a queue.

    Attributes:
        held: How many messages it has not settled.
    """

    def __init__(
        self, channel: "Channel", tag: str, queue: Queue, *, no_ack: bool, exclusive: bool, priority: int, prefetch: int
    ) -> None:
        self.channel = channel
        self.tag = tag
        self.queue = queue
        self.no_ack = no_ack
        self.exclusive = exclusive
        self.priority = priority
        self.held = 0
        self._prefetch = prefetch

    def ready(self) -> bool:
        """See `Consuming.ready`."""
        if self.channel.closed or not self.channel.link.writable:
            return False
        return self.no_ack or ((not self._prefetch or self.held < self._prefetch) and self.channel.has_room())

    def take(self, entry: Entry) -> None:
        """See `Consuming.take`."""
        tag = self.channel.hold(entry, self.queue, None if self.no_ack else self, settled=self.no_ack)
        message = entry.message
        deliver = commands.Basic.Deliver(self.tag, tag, entry.redelivered, message.exchange, message.routing_key)
        self.channel.send_message(deliver, entry, self.queue)

    def cancelled(self) -> None:
        """See `Consuming.cancelled`."""
        self.channel.consumers.pop(self.tag, None)
        if self.channel.link.hears_cancel:
            self.channel.link.send(self.channel.number, commands.Basic.Cancel(self.tag, nowait=True))


class Channel:
    """A channel of a connection.

    Attributes:
        prefetch: The prefetch count of consumers to come; 0 is no limit.
        prefetch_of_all: The prefetch count of all consumers together; 0 is no limit.
        confirms: Whether publishers are told what became of a message.
        published: How many messages were published since they are told.
        last_queue: The queue that a method without a name means.
        closed: Whether nothing is delivered here any more.
    """

    def __init__(self, link: Link, number: int, vhost: VirtualHost) -> None:
        self.link = link
        self.number = number
        self.vhost = vhost
        self.consumers: dict[str, Consumer] = {}
        self.prefetch = 0
        self.prefetch_of_all = 0
        self.confirms = False
        self.published = 0
        self.last_queue = ""
        self.closed: bool = False
        self._tags = itertools.count(1)
        self._held: dict[int, _Delivered] = {}

    def queue(self, name: str | None) -> Queue:
        """The queue of that name; without one the last that was declared here.

        Raises:
            ChannelFault: When there is none that this connection may use.
        """
        if not (name or self.last_queue):
            raise ChannelFault(404, "no previously declared queue")
        return self.vhost.queue(name or self.last_queue, self.link)

    # --- messages out ---

    def has_room(self) -> bool:
        """Whether all consumers together may hold another message."""
        return not self.prefetch_of_all or sum(c.held for c in self.consumers.values()) < self.prefetch_of_all

    def hold(self, entry: Entry, queue: Queue, consumer: Consumer | None, *, settled: bool) -> int:
        """Number a delivery, and remember it until it is settled."""
        tag = next(self._tags)
        if settled:
            queue.settle(entry)
        else:
            self._held[tag] = _Delivered(entry, queue, consumer)
            if consumer is not None:
                consumer.held += 1
        return tag

    def send_message(self, method: base.Frame, entry: Entry, queue: Queue) -> None:
        """Write a message of a queue, with the headers that only its receiver sees."""
        message = entry.message
        if queue.asked.quorum:
            message = message.with_headers(x_delivery_count=entry.deliveries)
        if "BCC" in message.headers:
            message = message.with_headers(BCC=None)
        self.link.send_content(self.number, method, message)

    # --- settling ---

    def take_back(self, tag: int, *, multiple: bool) -> list[_Delivered]:
        """Take the deliveries that a client settles.

        Raises:
            ChannelFault: When it settles what it does not hold.
        """
        if multiple:
            tags = list(itertools.takewhile(lambda known: not tag or known <= tag, self._held))
            if tag and not tags:
                raise ChannelFault(406, f"unknown delivery tag {tag}")
        elif tag in self._held:
            tags = [tag]
        else:
            raise ChannelFault(406, f"unknown delivery tag {tag}")
        return self._release(tags)

    def take_all_back(self) -> list[_Delivered]:
        """Take everything that is not settled."""
        return self._release(list(self._held))

    def ack(self, settled: Iterable[_Delivered]) -> None:
        """Forget messages."""
        queues: dict[Queue, None] = {}
        for delivered in settled:
            delivered.queue.settle(delivered.entry)
            queues[delivered.queue] = None
        self._pump(queues)

    def reject(self, settled: Iterable[_Delivered], *, requeue: bool) -> None:
        """Let messages die, or put them back."""
        queues: dict[Queue, list[Entry]] = {}
        for delivered in settled:
            queues.setdefault(delivered.queue, []).append(delivered.entry)
        for queue, entries in queues.items():
            if requeue:
                queue.give_back(entries)
            else:
                for entry in entries:
                    queue.reject(entry)
        self._pump(queues)

    def _release(self, tags: list[int]) -> list[_Delivered]:
        released = [self._held.pop(tag) for tag in tags]
        for delivered in released:
            if delivered.consumer is not None:
                delivered.consumer.held -= 1
        return released

    def _pump(self, queues: Iterable[Queue]) -> None:
        for queue in queues:
            queue.pump()
        if self.prefetch_of_all:
            self.pump()

    def pump(self) -> None:
        """Go on with the queues of all consumers."""
        for consumer in list(self.consumers.values()):
            consumer.queue.pump()

    # --- the end ---

    def cancel(self, consumer: Consumer) -> None:
        """Remove a consumer, and with the last one its queue, if that was declared so."""
        del self.consumers[consumer.tag]
        consumer.queue.remove(consumer)
        if consumer.queue.auto_delete and not consumer.queue.consumers:
            self.vhost.delete_queue(consumer.queue)

    def close(self) -> None:
        """Remove the consumers, and put back what is not settled."""
        self.closed = True
        for consumer in list(self.consumers.values()):
            self.cancel(consumer)
        self.reject(self.take_all_back(), requeue=True)
