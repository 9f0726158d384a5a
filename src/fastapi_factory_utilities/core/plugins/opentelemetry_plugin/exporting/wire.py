"""The protobuf wire format, as far as OTLP needs it.

Field numbers come from opentelemetry-proto 1.x, whose stable messages never renumber them. The generated classes and
their runtime cost 200 ms to import and 35 us a span, which is why they are not used.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Final

__all__ = ["DOUBLE", "FIXED32", "FIXED64", "delimited", "fields", "text", "varint"]

DOUBLE: Final = Struct("<d").pack
FIXED32: Final = Struct("<I").pack
FIXED64: Final = Struct("<Q").pack

_ONE_BYTE: Final = 0x80
_NEGATIVE: Final = 1 << 64
_VARINT: Final = 0
_DELIMITED: Final = 2
_FIXED: Final = {1: 8, 5: 4}
_SHORT: Final = tuple(bytes((number,)) for number in range(_ONE_BYTE)) + tuple(
    bytes((number & 0x7F | 0x80, number >> 7)) for number in range(_ONE_BYTE, 2048)
)


def varint(number: int) -> bytes:
    """Encode an integer of up to 64 bits; a negative one takes ten octets, as `int64` does."""
    if 0 <= number < len(_SHORT):
        return _SHORT[number]
    if number < 0:
        number += _NEGATIVE
    octets = bytearray()
    while number >= _ONE_BYTE:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    octets.append(number)
    return bytes(octets)


def delimited(tag: bytes, content: bytes) -> bytes:
    """Encode a field of the kind that says its length: a message, octets, packed numbers."""
    return tag + varint(len(content)) + content


def text(value: str) -> bytes:
    """Encode a text as UTF-8; halves of surrogate pairs, for which there is none, become question marks."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        return value.encode(errors="replace")


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Read the fields of a message, in its order: numbers as they are, everything with a length as octets.

    Raises:
        ValueError: It is no protobuf message.
    """
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _read_varint(message, at)
            yield key >> 3, value
            continue
        if kind == _DELIMITED:
            size, at = _read_varint(message, at)
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            raise ValueError(f"wire type {kind} at octet {at}")
        if at + size > len(message):
            raise ValueError("the message is cut off")
        yield key >> 3, message[at : at + size]
        at += size


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        octet = message[at]
        at += 1
        number |= (octet & 0x7F) << shift
        if octet < _ONE_BYTE:
            return number, at
    raise ValueError("a number without an end")
