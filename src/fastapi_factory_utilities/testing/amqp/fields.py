"""A message's properties as the bytes that they came as.

Decoding and encoding again would change them: pamqp chooses the smallest integer type, reads a 64-bit float and
writes a 32-bit one, and takes a late timestamp for milliseconds. So what is not touched is passed on as it is, field by
field.
"""

import struct
from collections.abc import Mapping

from pamqp import commands, decode, encode
from pamqp.common import FieldValue

__all__ = ["encode_value", "join_properties", "join_table", "split_properties", "split_table"]

_FLAGS: dict[str, int] = commands.Basic.Properties.flags
_SIZES = {"octet": 1, "timestamp": 8}


def split_properties(data: bytes) -> dict[str, bytes]:
    """Take the properties of a content header apart.

    Raises:
        ValueError: When they are not what the specification describes.
    """
    if len(data) < struct.calcsize(">H"):
        raise ValueError("no property flags")
    (flags,) = struct.unpack_from(">H", data)
    position, fields = 2, {}
    for name in commands.Basic.Properties.attributes():
        if not flags & _FLAGS[name]:
            continue
        kind = commands.Basic.Properties.amqp_type(name)
        if kind in _SIZES:
            size = _SIZES[kind]
        elif kind == "shortstr":
            size = 1 + int.from_bytes(data[position : position + 1])
        else:
            size = 4 + int.from_bytes(data[position : position + 4])
        fields[name] = data[position : position + size]
        if len(fields[name]) < size:
            raise ValueError(f"property {name} is cut off")
        position += size
    return fields


def join_properties(fields: Mapping[str, bytes]) -> bytes:
    """Put properties together, in the order of the specification."""
    names = [name for name in commands.Basic.Properties.attributes() if name in fields]
    return struct.pack(">H", sum(_FLAGS[name] for name in names)) + b"".join(fields[name] for name in names)


def split_table(data: bytes) -> dict[str, bytes]:
    """Take a table apart; a value is its type and its bytes.

    Raises:
        ValueError: When it is not a table.
    """
    position, entries = 4, {}
    while position < len(data):
        end = position + 1 + data[position]
        key = data[position + 1 : end].decode()
        size, _ = decode.embedded_value(data[end:])
        if not size or end + size > len(data):
            raise ValueError("a table that is cut off")
        entries[key] = data[end : end + size]
        position = end + size
    return entries


def join_table(entries: Mapping[str, bytes]) -> bytes:
    """Put a table together."""
    data = b"".join(encode.short_string(key) + value for key, value in entries.items())
    return struct.pack(">I", len(data)) + data


def encode_value(value: FieldValue) -> bytes:
    """Encode a value with its type as RabbitMQ does: integers have 64 bits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return b"l" + struct.pack(">q", value)
    if isinstance(value, bytes):  # a long string that is no text
        return b"S" + struct.pack(">I", len(value)) + value
    if isinstance(value, dict):
        return b"F" + join_table({key: encode_value(entry) for key, entry in value.items()})
    if isinstance(value, list):
        data = b"".join(map(encode_value, value))
        return b"A" + struct.pack(">I", len(data)) + data
    return encode.encode_table_value(value)
