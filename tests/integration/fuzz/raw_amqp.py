"""A publisher that writes frames byte by byte: no client library lets one send what this sends."""

import asyncio
import struct
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit

from pamqp import commands, frame
from pamqp.header import ProtocolHeader

__all__ = ["RawPublisher", "properties", "table"]

_HEADER, _BODY, _END = 2, 3, b"\xce"
_BASIC = 60
_SECONDS = 10.0
# Of AMQP 0-9-1's basic properties, by their flag; each says how it is written.
_PLACES: Mapping[str, tuple[int, str]] = {
    "content_type": (15, "s"),
    "content_encoding": (14, "s"),
    "headers": (13, "F"),
    "delivery_mode": (12, "b"),
    "priority": (11, "b"),
    "correlation_id": (10, "s"),
    "reply_to": (9, "s"),
    "expiration": (8, "s"),
    "message_id": (7, "s"),
    "timestamp": (6, "T"),
    "type": (5, "s"),
    "user_id": (4, "s"),
    "app_id": (3, "s"),
}


def table(entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A field table of keys, and of values that are written already, with their types."""
    inside = b"".join(bytes([len(key)]) + key + value for key, value in entries)
    return struct.pack(">I", len(inside)) + inside


def properties(given: Mapping[str, bytes | int]) -> bytes:
    """A property list: strings are bytes of any kind, headers a finished table."""
    flags, written = 0, b""
    for name, (bit, kind) in _PLACES.items():
        if name not in given:
            continue
        value = given[name]
        flags |= 1 << bit
        match kind, value:
            case "s", bytes():
                written += bytes([len(value)]) + value
            case "F", bytes():
                written += value
            case "b", int():
                written += bytes([value])
            case _:
                written += struct.pack(">Q", value)
    return struct.pack(">H", flags) + written


class RawPublisher:
    """Publishes to queues by the default exchange, and waits for the broker's word."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def connected(cls, uri: str) -> "AsyncIterator[RawPublisher]":
        """Connect, and open a channel with confirms."""
        url = urlsplit(uri)
        reader, writer = await asyncio.open_connection(url.hostname, url.port or 5672)
        publisher = cls(reader, writer)
        try:
            async with asyncio.timeout(_SECONDS):
                await publisher._begin(
                    unquote(url.username or "guest"), unquote(url.password or "guest"), unquote(url.path[1:] or "/")
                )
            yield publisher
        finally:
            writer.close()

    async def _begin(self, user: str, password: str, vhost: str) -> None:
        self._writer.write(ProtocolHeader().marshal())
        await self._next()
        login = commands.Connection.StartOk({}, "PLAIN", f"\0{user}\0{password}", "en_US")
        self._writer.write(frame.marshal(login, 0))
        tune = await self._next()
        self._writer.write(frame.marshal(commands.Connection.TuneOk(tune.channel_max, tune.frame_max, 0), 0))
        for number, command in (
            (0, commands.Connection.Open(vhost)),
            (1, commands.Channel.Open()),
            (1, commands.Confirm.Select()),
        ):
            self._writer.write(frame.marshal(command, number))
            await self._next()

    async def publish(self, queue: str, body: bytes, listed: bytes) -> bool:
        """Publish one message; return whether the broker has taken it. Where it has not, the publisher is done for."""
        header = struct.pack(">HHQ", _BASIC, 0, len(body)) + listed
        self._writer.write(frame.marshal(commands.Basic.Publish(0, "", queue), 1))
        self._writer.write(_frame(_HEADER, header))
        for start in range(0, len(body), 100_000):
            self._writer.write(_frame(_BODY, body[start : start + 100_000]))
        try:
            async with asyncio.timeout(_SECONDS):
                return isinstance(await self._next(), commands.Basic.Ack)
        except (asyncio.IncompleteReadError, ConnectionError):
            return False

    async def _next(self) -> commands.Connection.Tune:  # as far as anybody looks into it
        start = await self._reader.readexactly(7)
        rest = await self._reader.readexactly(struct.unpack(">I", start[3:])[0] + 1)
        return frame.unmarshal(start + rest)[2]  # type: ignore[return-value]  # see above


def _frame(kind: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", kind, 1, len(payload)) + payload + _END
