"""Reading messages whose properties the driver cannot read.

A string that is not UTF-8, a time in nanoseconds, a table in a table in a table: the broker takes them from whoever may
publish, and passes them on. The driver's reader ends with the first of them, and its line with it; the message comes
again on the next line, and nothing behind it ever comes.
"""

import asyncio
import struct
from collections.abc import Callable
from typing import Any, Final

from fastapi_factory_utilities.core.plugins.aiopika import required  # noqa: F401 - tells how to install what follows

# isort: split
from pamqp import decode
from pamqp.header import ContentHeader

__all__ = ["CarefulReader", "readable_header"]

_HEADER_FRAME: Final = 2
_FRAME_START: Final = struct.Struct(">BHI")  # type, channel, size of the payload
_PROTOCOL_HEADER: Final = b"AMQP"
_FIXED: Final = 12  # bytes of a content header before its flags: class, weight, size of the body
_FLAGS: Final = struct.Struct(">H")
_MORE_FLAGS: Final = 1


def _after_short_string(payload: bytes, at: int) -> int:
    return at + 1 + payload[at]


def _after_table(payload: bytes, at: int) -> int:
    return at + 4 + int.from_bytes(payload[at : at + 4])


_STRING: Final = (decode.short_str, _after_short_string)
_TABLE: Final = (decode.field_table, _after_table)
_OCTET: Final = (decode.octet, lambda _, at: at + 1)
_TIME: Final = (decode.timestamp, lambda _, at: at + 8)

# The basic properties in their order, by the bits of their flags, from the highest (AMQP 0-9-1, 1.8.1).
_PROPERTIES: Final[tuple[tuple[str, Callable[[bytes], Any], Callable[[bytes, int], int]], ...]] = (
    ("content_type", *_STRING),
    ("content_encoding", *_STRING),
    ("headers", *_TABLE),
    ("delivery_mode", *_OCTET),
    ("priority", *_OCTET),
    ("correlation_id", *_STRING),
    ("reply_to", *_STRING),
    ("expiration", *_STRING),
    ("message_id", *_STRING),
    ("timestamp", *_TIME),
    ("message_type", *_STRING),
    ("user_id", *_STRING),
    ("app_id", *_STRING),
    ("cluster_id", *_STRING),
)


class CarefulReader:
    """Stands between a stream and the driver, and takes from messages what the driver cannot read.

    It costs as much as reading a message's properties once more, so it is for lines on which such messages come.

    Args:
        reader: Where frames come from.
        tell: Told the names of the properties that a message had to be parted from.
    """

    def __init__(self, reader: asyncio.StreamReader, tell: Callable[[list[str]], None]) -> None:
        self._reader = reader
        self._tell = tell
        self._frame = b""

    def at_eof(self) -> bool:
        """Whether nothing more will come."""
        return not self._frame and self._reader.at_eof()

    async def read(self, size: int = -1) -> bytes:
        """Return what is there, as the stream does."""
        kept, self._frame = self._frame, b""
        return kept or await self._reader.read(size)

    async def readexactly(self, size: int) -> bytes:
        """Return so many bytes of a frame.

        Raises:
            asyncio.IncompleteReadError: The line ended before.
        """
        if not self._frame:
            self._frame = await self._next_frame()
        found, self._frame = self._frame[:size], self._frame[size:]
        return found

    async def _next_frame(self) -> bytes:
        start = await self._reader.readexactly(_FRAME_START.size)
        if start.startswith(_PROTOCOL_HEADER):  # another version's server says so
            return start
        kind, channel, size = _FRAME_START.unpack(start)
        rest = await self._reader.readexactly(size + 1)
        if kind != _HEADER_FRAME:
            return start + rest
        payload, gone = readable_header(rest[:-1])
        if not gone:
            return start + rest
        self._tell(gone)
        return _FRAME_START.pack(kind, channel, len(payload)) + payload + rest[-1:]


def readable_header(payload: bytes) -> tuple[bytes, list[str]]:
    """Return a message's properties as far as the driver can read them, and the names of those that it cannot.

    Args:
        payload: Of a content header frame.
    """
    try:
        ContentHeader().unmarshal(payload)
    except Exception:  # noqa: BLE001 - of any kind: values out of range, too deep, no UTF-8
        return _rebuilt(payload)
    return payload, []


def _rebuilt(payload: bytes) -> tuple[bytes, list[str]]:
    at = _FIXED + _FLAGS.size
    (told,) = _FLAGS.unpack(payload[_FIXED:at])
    flags, kept, gone = 0, b"", []
    if told & _MORE_FLAGS:  # AMQP 0-9-1 has no property for them, so nobody knows where they end
        return payload[:_FIXED] + _FLAGS.pack(0), ["all"]
    for place, (name, read, after) in enumerate(_PROPERTIES):
        flag = 1 << (15 - place)
        if not told & flag:
            continue
        end = after(payload, at) if at < len(payload) else at
        written, at = payload[at:end], end
        try:
            read(written)
        except Exception:  # noqa: BLE001 - see above
            gone.append(name)
        else:
            flags |= flag
            kept += written
    return payload[:_FIXED] + _FLAGS.pack(flags) + kept, gone or ["all"]
