"""A client that says exactly what a test wants it to say."""

import socket
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from pamqp import base, commands, frame, header, heartbeat
from pamqp.frame import FrameTypes

__all__ = ["RawClient"]

_TIMEOUT_SECONDS = 5.0


class RawClient:
    """Speaks frames, and nothing by itself but the handshake."""

    def __init__(self, url: str, *, heartbeat_seconds: int = 0, frame_max: int = 0) -> None:
        parts = urlsplit(url)
        self._vhost = unquote(parts.path[1:]) or "/"
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=_TIMEOUT_SECONDS)
        self._data = b""
        self._heartbeat, self._frame_max = heartbeat_seconds, frame_max

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._socket.close()

    def open(self) -> Self:
        """Open the connection, and channel 1."""
        self.send_bytes(header.ProtocolHeader().marshal())
        self.expect(commands.Connection.Start)
        self.send(0, commands.Connection.StartOk({}, "PLAIN", "\0guest\0guest"))
        self.expect(commands.Connection.Tune)
        self.send(0, commands.Connection.TuneOk(0, self._frame_max, self._heartbeat))
        self.send(0, commands.Connection.Open(self._vhost))
        self.expect(commands.Connection.OpenOk)
        self.send(1, commands.Channel.Open())
        self.expect(commands.Channel.OpenOk)
        return self

    def send_bytes(self, data: bytes) -> None:
        self._socket.sendall(data)

    def send(self, channel: int, *frames: FrameTypes) -> None:
        self.send_bytes(b"".join(frame.marshal(each, channel) for each in frames))

    def call[FrameT: FrameTypes](self, method: base.Frame, answer: type[FrameT]) -> FrameT:
        self.send(1, method)
        return self.expect(answer)

    def expect[FrameT: FrameTypes](self, kind: type[FrameT]) -> FrameT:
        """Read until there is a frame of this kind; a heartbeat may come at any time."""
        while True:
            got = self.read()
            if isinstance(got, kind):
                return got
            assert isinstance(got, heartbeat.Heartbeat), f"got {got!r} instead of {kind.__name__}"

    def read(self) -> FrameTypes:
        whole, _ = self.read_bytes()
        return whole

    def read_bytes(self) -> tuple[FrameTypes, bytes]:
        """Read a frame; returns it with its bytes."""
        while True:
            size = 7 + int.from_bytes(self._data[3:7]) + 1
            if len(self._data) >= max(size, 8):
                raw, self._data = self._data[:size], self._data[size:]
                return frame.unmarshal(raw)[2], raw
            self._data += self._receive()

    def is_closed(self) -> bool:
        """Whether the broker hangs up, whatever it says before."""
        try:
            while self._receive():
                pass
        except (ConnectionError, EOFError):
            return True
        return False

    def _receive(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise EOFError("the broker hung up")
        return data
