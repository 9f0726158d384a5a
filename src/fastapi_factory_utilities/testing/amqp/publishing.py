"""A message on its way in: a method, a header, and as many bodies as it takes."""

from pamqp import commands, decode

from fastapi_factory_utilities.testing.amqp.channel import Channel
from fastapi_factory_utilities.testing.amqp.faults import ChannelFault, ConnectionFault
from fastapi_factory_utilities.testing.amqp.messages import Message
from fastapi_factory_utilities.testing.amqp.wire import ContentHeader

__all__ = ["Incoming", "publish"]

_LARGEST_BODY = 128 * 1024 * 1024  # RabbitMQ's max_message_size
_NO_ROUTE = 312


class Incoming:
    """A message that is being received on a channel."""

    def __init__(self, method: commands.Basic.Publish) -> None:
        if method.immediate:
            raise ConnectionFault(540, "immediate=true")
        self._method = method
        self._header: ContentHeader | None = None
        self._body = bytearray()

    def header(self, payload: bytes) -> None:
        """Add the header."""
        if self._header is not None:
            raise ConnectionFault(505, "expected content body, got a content header")
        self._header = ContentHeader.read(payload)
        if self._header.body_size > _LARGEST_BODY:
            raise ChannelFault(406, f"message size {self._header.body_size} is larger than {_LARGEST_BODY}")

    def body(self, payload: bytes) -> None:
        """Add a part of the body."""
        if self._header is None:
            raise ConnectionFault(505, "expected content header, got a content body")
        self._body += payload
        if len(self._body) > self._header.body_size:
            raise ConnectionFault(501, "more content than its header announced")

    def complete(self) -> tuple[commands.Basic.Publish, Message] | None:
        """The message, when all of it is here.

        Raises:
            ConnectionFault: When its properties cannot be read.
        """
        if self._header is None or len(self._body) < self._header.body_size:
            return None
        exchange, key = self._method.exchange, self._method.routing_key
        try:
            return self._method, Message.received(exchange, key, self._header.properties, bytes(self._body))
        except ChannelFault:
            raise
        except Exception as error:  # pamqp raises many kinds at garbage
            raise ConnectionFault(502, f"properties that cannot be read: {error}") from error


def publish(channel: Channel, method: commands.Basic.Publish, message: Message) -> None:
    """Route a message, and tell its publisher what became of it."""
    exchange = channel.vhost.exchange(message.exchange)
    if exchange.internal:
        what = f"internal exchange '{exchange.name}' in vhost '{channel.vhost.name}'"
        raise ChannelFault(403, f"cannot publish to {what}")
    if "user_id" in message.fields:
        named, known = decode.short_str(message.fields["user_id"])[1], channel.link.user
        if named != known:
            raise ChannelFault(406, f"user_id property set to '{named}' but authenticated user was '{known}'")
    queues = channel.vhost.route(exchange, message)
    if not queues and method.mandatory:
        returned = commands.Basic.Return(_NO_ROUTE, "NO_ROUTE", message.exchange, message.routing_key)
        channel.link.send_content(channel.number, returned, message)
    taken = [queue.publish(message) for queue in queues]
    if channel.confirms:
        channel.published += 1
        tag = channel.published
        told = commands.Basic.Ack(tag) if all(taken) else commands.Basic.Nack(tag, requeue=False)
        channel.link.send(channel.number, told)
