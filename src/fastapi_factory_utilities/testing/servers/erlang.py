"""Calls a function inside a running Erlang node, such as RabbitMQ: a thousand times cheaper than `rabbitmqctl`.

The distribution protocol (Erlang/OTP, "ERTS User's Guide": Distribution Protocol, External Term Format) as a hidden
node, one connection per call.
"""

import hashlib
import itertools
import os
import socket
import struct
from collections.abc import Callable, Sequence

from fastapi_factory_utilities.testing.servers.errors import ServerError

__all__ = ["Atom", "ErlangNode", "Term"]

# What a call takes and returns.
type Term = Atom | bytes | int | Sequence[Term] | None

_TIMEOUT_SECONDS = 10.0
_CALLS = itertools.count()
# What OTP 25 and later require of a node: extended references, fun tags, extended pids, export pointers, bit binaries,
# new floats, UTF-8 atoms, maps, big creations, the handshake of OTP 23, unlink ids, 64-bit pids.
_FLAGS = 0x4 | 0x10 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x20000 | 0x40000 | 1 << 24 | 1 << 25 | 1 << 34
_VERSION = b"\x83"
_PASS_THROUGH = b"p"
_REG_SEND = 6


class Atom(str):
    """A name in Erlang; a `str` otherwise."""

    __slots__ = ()


class ErlangNode:
    """A node of the Erlang distribution on this machine.

    Args:
        host: Where it is.
        port: Its distribution port.
        cookie: The secret that its cluster shares.
    """

    def __init__(self, host: str, port: int, cookie: str) -> None:
        self.host = host
        self.port = port
        self.cookie = cookie

    def call(self, module: str, function: str, *arguments: Term) -> Term:
        """Call a function there, and return what it returns; terms without a Python form come as None.

        Raises:
            ServerError: When the node does not answer, or the function fails.
        """
        name = f"ffu-{os.getpid()}-{next(_CALLS)}@localhost"
        pid = _Pid(name)
        what = (Atom("call"), Atom(module), Atom(function), list(arguments), Atom("user"))
        try:
            with socket.create_connection((self.host, self.port), timeout=_TIMEOUT_SECONDS) as line:
                self._shake_hands(line, name)
                # {?REG_SEND, From, Unused, rex} and, for the server of remote calls, {From, {call, ...}}.
                control = _tuple(encode(_REG_SEND), encode(pid), encode(Atom("")), encode(Atom("rex")))
                request = _tuple(encode(pid), encode(what))
                _send(line, ">I", _PASS_THROUGH + _VERSION + control + _VERSION + request)
                answer = _message(line)
        except OSError as error:
            raise ServerError(f"the Erlang node on port {self.port} does not answer: {error}") from error
        result = answer[1] if isinstance(answer, tuple) else answer  # {rex, Result}
        if isinstance(result, tuple) and result and result[0] in {"badrpc", "error"}:
            raise ServerError(f"{module}:{function} failed in the Erlang node: {result!r}")
        return result

    def _shake_hands(self, line: socket.socket, name: str) -> None:
        _send(line, ">H", b"N" + struct.pack(">QIH", _FLAGS, 1, len(name)) + name.encode())
        if (status := _receive(line, ">H")) not in {b"sok", b"sok_simultaneous"}:
            raise ConnectionError(f"it refused with {status!r}")
        theirs = int.from_bytes(_receive(line, ">H")[9:13])
        digest = hashlib.md5(f"{self.cookie}{theirs}".encode()).digest()  # noqa: S324 - the protocol's
        _send(line, ">H", b"r" + struct.pack(">I", 1) + digest)
        _receive(line, ">H")


class _Pid:
    """A process of ours, for a node to answer to."""

    def __init__(self, node: str) -> None:
        self.node: Atom = Atom(node)


def encode(term: "Term | _Pid") -> bytes:
    """Write a term in the external format, without its version."""
    match term:
        case _Pid():
            written = b"X" + encode(term.node) + struct.pack(">III", 1, 0, 1)
        case Atom():
            written = b"w" + bytes([len(term.encode())]) + term.encode()
        case bytes():
            written = b"m" + struct.pack(">I", len(term)) + term
        case int():
            written = b"b" + struct.pack(">i", term)
        case tuple():
            written = _tuple(*map(encode, term))
        case list() if term:
            written = b"l" + struct.pack(">I", len(term)) + b"".join(map(encode, term)) + b"j"
        case list():
            written = b"j"
        case _:
            raise TypeError(f"no Erlang term for a {type(term).__name__}")
    return written


def _tuple(*encoded: bytes) -> bytes:
    return b"h" + bytes([len(encoded)]) + b"".join(encoded)


# Tag to the number of bytes of its length, and what is made of the bytes that follow.
_SIZED: dict[bytes, tuple[int, Callable[[bytes], Term]]] = {
    **{tag: (1, lambda name: Atom(name.decode())) for tag in (b"w", b"s")},
    **{tag: (2, lambda name: Atom(name.decode())) for tag in (b"v", b"d")},
    b"k": (2, list),
    b"m": (4, bytes),
}
_INTEGERS = {b"a": 1, b"b": 4}
_SEQUENCES = {b"h": 1, b"l": 4}


def decode(data: bytes) -> tuple[Term, bytes]:
    """Read one term, and return it with what follows it.

    Pids, references, floats and maps come as None, and so does everything after them: nobody asks for them.
    """
    tag, data = data[:1], data[1:]
    if tag in _SIZED:
        size, make = _SIZED[tag]
        end = size + int.from_bytes(data[:size])
        return make(data[size:end]), data[end:]
    if tag in _INTEGERS:
        size = _INTEGERS[tag]
        return int.from_bytes(data[:size], signed=size > 1), data[size:]
    if tag in _SEQUENCES:
        size = _SEQUENCES[tag]
        count, data = int.from_bytes(data[:size]), data[size:]
        elements: list[Term] = []
        while data and len(elements) < count:
            element, data = decode(data)
            elements.append(element)
        return (tuple(elements), data) if tag == b"h" else (elements, data[1:])  # a list ends with an empty list
    return ([], data) if tag == b"j" else (None, b"")


def _message(line: socket.socket) -> Term:
    while not (packet := _receive(line, ">I")):  # an empty packet is a tick
        pass
    control_and_message = packet[1:].removeprefix(_VERSION)
    # The control message addresses our only process; the answer is what follows the second version byte.
    return decode(control_and_message[_length(control_and_message) :].removeprefix(_VERSION))[0]


def _length(data: bytes) -> int:
    """How many bytes the control message `{SEND, Unused, ToPid}` has: a tuple of three, the last one a pid."""
    end = data.index(b"X")
    name = 2 + data[end + 2] if data[end + 1 : end + 2] in {b"w", b"s"} else 3 + int.from_bytes(data[end + 2 : end + 4])
    return end + 1 + name + 12


def _send(line: socket.socket, prefix: str, data: bytes) -> None:
    line.sendall(struct.pack(prefix, len(data)) + data)


def _receive(line: socket.socket, prefix: str) -> bytes:
    (length,) = struct.unpack(prefix, _exactly(line, struct.calcsize(prefix)))
    return _exactly(line, length)


def _exactly(line: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        if not (more := line.recv(count - len(received))):
            raise ConnectionError("it closed the connection")
        received += more
    return received
