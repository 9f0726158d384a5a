"""The channels of a connection."""

from pamqp import base, commands, constants

from fastapi_factory_utilities.testing.amqp.channel import Channel, Link
from fastapi_factory_utilities.testing.amqp.faults import ChannelFault, ConnectionFault
from fastapi_factory_utilities.testing.amqp.handshake import Handshake
from fastapi_factory_utilities.testing.amqp.methods import handle
from fastapi_factory_utilities.testing.amqp.publishing import Incoming, publish
from fastapi_factory_utilities.testing.amqp.wire import RawFrame, read_method

__all__ = ["Channels"]


class Channels:
    """Opens and closes channels, and gives each what is for it.

    Args:
        link: The connection.
        agreed: What was agreed upon when it was opened.
    """

    def __init__(self, link: Link, agreed: Handshake) -> None:
        self._link = link
        self._handshake = agreed
        # None is a channel that we closed, which the client does not know yet.
        self._channels: dict[int, Channel | None] = {}
        self._incoming: dict[int, Incoming] = {}

    def pump(self) -> None:
        """Go on with all consumers."""
        for channel in list(self._channels.values()):
            if channel is not None:
                channel.pump()

    def close(self) -> None:
        """Close all of them, and give back what is not settled."""
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            if channel is not None:
                channel.close()

    def receive(self, raw: RawFrame) -> None:
        """Do what a frame asks for.

        Raises:
            ConnectionFault: At a mistake that closes more than its channel.
        """
        number = raw.channel
        method = read_method(raw) if raw.kind == constants.FRAME_METHOD else None
        if number not in self._channels:
            self._open(number, method)
            return
        channel = self._channels[number]
        if channel is None:
            if isinstance(method, commands.Channel.Close):
                self._link.send(number, commands.Channel.CloseOk())
            if isinstance(method, commands.Channel.Close | commands.Channel.CloseOk):
                del self._channels[number]
            return
        try:
            self._on_open_channel(channel, raw, method)
        except ChannelFault as fault:
            self._incoming.pop(number, None)
            self._channels[number] = None
            method_index = divmod(getattr(method, "index", 0), 1 << 16)
            self._link.send(number, commands.Channel.Close(fault.code, fault.text, *method_index))
            channel.close()

    def _open(self, number: int, method: base.Frame | None) -> None:
        if not isinstance(method, commands.Channel.Open):
            raise ConnectionFault(504, f"expected 'channel.open' on channel {number}")
        if number > self._handshake.channel_max:
            raise ConnectionFault(530, f"channel {number} is more than channel_max {self._handshake.channel_max}")
        assert self._handshake.vhost is not None  # noqa: S101 - the handshake is done
        self._channels[number] = Channel(self._link, number, self._handshake.vhost)
        self._link.send(number, commands.Channel.OpenOk())

    def _on_open_channel(self, channel: Channel, raw: RawFrame, method: base.Frame | None) -> None:
        number = channel.number
        if method is None:
            if number not in self._incoming:
                raise ConnectionFault(505, "expected a method, got content")
            self._on_content(channel, raw)
        elif number in self._incoming:
            raise ConnectionFault(505, f"expected content, got {method.name}")
        elif isinstance(method, commands.Channel.Open):
            raise ConnectionFault(504, "second 'channel.open' seen")
        elif isinstance(method, commands.Channel.Close):
            channel.close()
            del self._channels[number]
            self._link.send(number, commands.Channel.CloseOk())
        elif isinstance(method, commands.Basic.Publish):
            self._incoming[number] = Incoming(method)
        else:
            handle(channel, method)

    def _on_content(self, channel: Channel, raw: RawFrame) -> None:
        incoming = self._incoming[channel.number]
        if raw.kind == constants.FRAME_HEADER:
            incoming.header(raw.payload)
        else:
            incoming.body(raw.payload)
        if (complete := incoming.complete()) is not None:
            del self._incoming[channel.number]
            publish(channel, *complete)
