"""A connection: its handshake, its heartbeat, its channels."""

import asyncio
from typing import Protocol

from pamqp import base, commands, constants, frame, heartbeat

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.testing.amqp.channels import Channels
from fastapi_factory_utilities.testing.amqp.faults import ConnectionFault
from fastapi_factory_utilities.testing.amqp.handshake import Handshake
from fastapi_factory_utilities.testing.amqp.messages import Message
from fastapi_factory_utilities.testing.amqp.vhosts import VirtualHost
from fastapi_factory_utilities.testing.amqp.wire import PROTOCOL_HEADER, FrameReader, RawFrame, content, read_method

__all__ = ["Hub", "Session"]

_log = get_logger(__name__)
_CLOSE_OK_SECONDS = 2.0  # a client that is told to go and does not answer
_HEARTBEATS_MISSED = 2  # then it is gone (AMQP 0-9-1, "Heartbeat")


class Hub(Protocol):
    """The broker, as its connections see it."""

    sessions: "set[Session]"
    vhosts: dict[str, VirtualHost]


class Session(asyncio.Protocol):
    """A client's connection; everything on it happens in the broker's event loop.

    Attributes:
        user: Who it says it is; everybody is let in.
        hears_cancel: Whether it wants to know when a queue that it consumes is gone.
        lost: Set when its socket is closed.
    """

    def __init__(self, hub: Hub) -> None:
        self.user: str = ""
        self.hears_cancel: bool = False
        self.lost: asyncio.Event = asyncio.Event()
        self._hub = hub
        self._reader = FrameReader()
        self._handshake = Handshake(hub.vhosts)
        self._channels = Channels(self, self._handshake)
        self._transport: asyncio.Transport | None = None
        self._begun = self._closing = self._full = False
        self._heard_at = 0.0
        self._timers: list[asyncio.TimerHandle] = []

    # --- the transport ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - it is a TCP listener that made it
        self._transport = transport
        self._hub.sessions.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End: everything that was not settled goes back."""
        del exc
        self._release()
        self._hub.sessions.discard(self)
        self.lost.set()

    def pause_writing(self) -> None:
        """The client does not read: deliver nothing more."""
        self._full = True

    def resume_writing(self) -> None:
        """The client reads again."""
        self._full = False
        self._channels.pump()

    def data_received(self, data: bytes) -> None:
        """Do what it asks for; whatever else it sends ends the connection with the right code."""
        self._heard_at = asyncio.get_running_loop().time()
        self._reader.feed(data)
        try:
            if self._begin():
                for raw in self._reader:
                    self._receive(raw)
        except ConnectionFault as fault:
            self._refuse(fault)
        except Exception:  # noqa: BLE001 - a bug of ours must not take the broker from the other clients
            _log.exception("in-memory broker failed")
            self._refuse(ConnectionFault(541, "the in-memory broker failed; its log says why"))

    def drop(self) -> None:
        """Cut the line, as if the broker had died."""
        self._release()
        if self._transport is not None:
            self._transport.abort()

    # --- writing ---

    @property
    def writable(self) -> bool:
        """Whether the client reads what we write."""
        return not (self._full or self._closing)

    def send(self, channel: int, *methods: base.Frame) -> None:
        """Write methods."""
        self._write(b"".join(frame.marshal(method, channel) for method in methods))

    def send_content(self, channel: int, method: base.Frame, message: Message) -> None:
        """Write a method that brings a message."""
        self._write(content(channel, method, message, self._reader.frame_max))

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    # --- reading ---

    def _begin(self) -> bool:
        if not self._begun:
            if (opening := self._reader.take(len(PROTOCOL_HEADER))) is None:
                return False
            if opening != PROTOCOL_HEADER:  # told what we speak, and sent away (AMQP 0-9-1, "Protocol Header")
                self._write(PROTOCOL_HEADER)
                self._hang_up()
                return False
            self._begun = True
            self.send(0, self._handshake.start())
        return True

    def _receive(self, raw: RawFrame) -> None:
        if raw.kind == constants.FRAME_HEARTBEAT:
            return
        if self._closing:
            if raw.kind == constants.FRAME_METHOD:
                self._while_closing(read_method(raw))
        elif raw.channel == 0:
            if raw.kind != constants.FRAME_METHOD:
                raise ConnectionFault(505, "content on channel 0")
            self._on_connection(read_method(raw))
        elif not self._handshake.done:
            raise ConnectionFault(503, "a channel before the connection is open")
        else:
            self._channels.receive(raw)

    def _while_closing(self, method: base.Frame) -> None:
        if isinstance(method, commands.Connection.Close):
            self.send(0, commands.Connection.CloseOk())
        if isinstance(method, commands.Connection.Close | commands.Connection.CloseOk):
            self._hang_up()

    def _on_connection(self, method: base.Frame) -> None:
        if isinstance(method, commands.Connection.Close):
            self._release()
            self.send(0, commands.Connection.CloseOk())
            self._hang_up()
            return
        for answer in self._handshake.answers(method):
            self.send(0, answer)
        if isinstance(method, commands.Connection.TuneOk):
            self._reader.frame_max = self._handshake.frame_max
            self._schedule_beat()
        self.user, self.hears_cancel = self._handshake.user, self._handshake.hears_cancel

    # --- the end ---

    def _refuse(self, fault: ConnectionFault) -> None:
        if self._closing:
            self._hang_up()
            return
        self._release()
        self.send(0, commands.Connection.Close(fault.code, fault.text, 0, 0))
        self._timers.append(asyncio.get_running_loop().call_later(_CLOSE_OK_SECONDS, self._hang_up))

    def _hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _release(self) -> None:
        """Give everything back, once; nothing is delivered here any more."""
        self._closing = True
        for timer in self._timers:
            timer.cancel()
        self._channels.close()
        if self._handshake.vhost is not None:
            self._handshake.vhost.delete_queues_of(self)

    def _beat(self) -> None:
        silence = asyncio.get_running_loop().time() - self._heard_at
        if silence > self._handshake.heartbeat_seconds * _HEARTBEATS_MISSED:
            self.drop()
            return
        self._write(heartbeat.Heartbeat.marshal())
        self._schedule_beat()

    def _schedule_beat(self) -> None:
        if seconds := self._handshake.heartbeat_seconds:
            self._timers[:] = [asyncio.get_running_loop().call_later(seconds / 2, self._beat)]
