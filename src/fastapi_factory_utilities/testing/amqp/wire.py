"""Frames on a line (AMQP 0-9-1, "Wire-Level Format"); pamqp reads and writes what is in them."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from pamqp import base, commands, constants, frame

from fastapi_factory_utilities.testing.amqp.faults import ConnectionFault
from fastapi_factory_utilities.testing.amqp.fields import join_properties
from fastapi_factory_utilities.testing.amqp.messages import Message

__all__ = ["FRAME_MAX", "PROTOCOL_HEADER", "ContentHeader", "FrameReader", "RawFrame", "content", "read_method"]

PROTOCOL_HEADER = b"AMQP\0\0\x09\x01"
FRAME_MAX = 131072
_HEAD = struct.Struct(">BHI")
_OVERHEAD = _HEAD.size + 1  # and the end marker
_KINDS = {constants.FRAME_METHOD, constants.FRAME_HEADER, constants.FRAME_BODY, constants.FRAME_HEARTBEAT}
_CONTENT = struct.Struct(">HHQ")


class RawFrame(NamedTuple):
    """A frame whose content was not looked at."""

    kind: int
    channel: int
    payload: bytes

    @property
    def whole(self) -> bytes:
        """The frame as it came."""
        return _frame(*self)


class ContentHeader(NamedTuple):
    """What announces the body of a message."""

    body_size: int
    properties: bytes

    @classmethod
    def read(cls, payload: bytes) -> "ContentHeader":
        """Read one.

        Raises:
            ConnectionFault: When it is none.
        """
        if len(payload) < _CONTENT.size:
            raise ConnectionFault(501, "a content header that is too short")
        class_id, _, size = _CONTENT.unpack_from(payload)
        if class_id != commands.Basic.frame_id:
            raise ConnectionFault(501, f"a content header of class {class_id}")
        return cls(size, payload[_CONTENT.size :])


class FrameReader:
    """Cuts the bytes of one connection into frames.

    Attributes:
        frame_max: The size of the largest frame that was agreed upon.
    """

    def __init__(self) -> None:
        self.frame_max = FRAME_MAX
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes."""
        self._data += data

    def take(self, count: int) -> bytes | None:
        """Take that many bytes; None when there are not so many yet."""
        if len(self._data) < count:
            return None
        taken = bytes(self._data[:count])
        del self._data[:count]
        return taken

    def __iter__(self) -> Iterator[RawFrame]:
        """Take each frame that is whole.

        Raises:
            ConnectionFault: At bytes that are no frame.
        """
        while len(self._data) >= _HEAD.size:
            kind, channel, size = _HEAD.unpack_from(self._data)
            if kind not in _KINDS:
                raise ConnectionFault(501, f"unknown frame type {kind}")
            if size + _OVERHEAD > self.frame_max:
                raise ConnectionFault(501, f"a frame of {size} bytes, more than the negotiated {self.frame_max}")
            whole = self.take(size + _OVERHEAD)
            if whole is None:
                return
            if whole[-1] != constants.FRAME_END:
                raise ConnectionFault(501, "a frame without its end marker")
            yield RawFrame(kind, channel, whole[_HEAD.size : -1])


def read_method(raw: RawFrame) -> base.Frame:
    """Read a method.

    Raises:
        ConnectionFault: When it is none, or has values that it may not have.
    """
    try:
        _, _, method = frame.unmarshal(raw.whole)
        if isinstance(method, base.Frame):
            method.validate()
            return method
    except Exception as error:  # pamqp raises many kinds at garbage
        raise ConnectionFault(502, f"a method that cannot be read: {error}") from error
    raise ConnectionFault(502, "no method in a method frame")


def content(channel: int, method: base.Frame, message: Message, frame_max: int) -> bytes:
    """Write a method that brings a message, and the message."""
    header = _CONTENT.pack(commands.Basic.frame_id, 0, len(message.body)) + join_properties(message.fields)
    step = frame_max - _OVERHEAD
    pieces = (message.body[start : start + step] for start in range(0, len(message.body), step))
    bodies = b"".join(_frame(constants.FRAME_BODY, channel, piece) for piece in pieces)
    return frame.marshal(method, channel) + _frame(constants.FRAME_HEADER, channel, header) + bodies


def _frame(kind: int, channel: int, payload: bytes) -> bytes:
    return _HEAD.pack(kind, channel, len(payload)) + payload + constants.FRAME_END_CHAR
