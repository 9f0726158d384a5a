"""Just enough of MongoDB's wire protocol to ask a server whether it answers: no driver needed, no thread started."""

import socket
import struct
from collections.abc import Mapping, Sequence

__all__ = ["Value", "ask"]

_OP_MSG = 2013
_HEADER = struct.Struct("<iiii")

type Value = int | str | Mapping[str, Value] | Sequence[Value]


def ask(host: str, port: int, command: Mapping[str, Value], *, seconds: float = 1.0) -> bytes:
    """Send a command to the database `admin` and return the body of the reply.

    The bytes are an OP_MSG (https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/).

    Raises:
        OSError: When the server does not answer in time, or breaks off.
    """
    body = struct.pack("<iB", 0, 0) + _document({**command, "$db": "admin"})
    with socket.create_connection((host, port), timeout=seconds) as connection:
        connection.sendall(_HEADER.pack(_HEADER.size + len(body), 1, 0, _OP_MSG) + body)
        length, *_ = _HEADER.unpack(_receive(connection, _HEADER.size))
        return _receive(connection, length - _HEADER.size)


def _receive(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        data = connection.recv(size - len(received))
        if not data:
            raise ConnectionResetError("the server broke off in the middle of its reply")
        received += data
    return received


def _document(fields: Mapping[str, Value]) -> bytes:
    """Encode a document (https://bsonspec.org)."""
    elements = b"".join(_element(name, value) for name, value in fields.items())
    return struct.pack("<i", len(elements) + 5) + elements + b"\0"


def _element(name: str, value: Value) -> bytes:
    key = name.encode() + b"\0"
    match value:
        case int():
            return b"\x10" + key + struct.pack("<i", value)
        case str():
            text = value.encode() + b"\0"
            return b"\x02" + key + struct.pack("<i", len(text)) + text
        case Mapping():
            return b"\x03" + key + _document(value)
        case _:
            return b"\x04" + key + _document({str(index): item for index, item in enumerate(value)})
