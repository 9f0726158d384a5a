"""Requests as bytes, and the answers to them: no client in between that would refuse to send them."""

import re
import socket
from typing import Final, NamedTuple

__all__ = ["Answer", "ask", "request"]

_STATUS: Final = re.compile(rb"(?m)^HTTP/1\.[01] (\d{3}) ")
_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_SECONDS: Final = 10.0
_SILENCE_SECONDS: Final = 0.02


class Answer(NamedTuple):
    """What came back before the server closed the connection, or had nothing more to say.

    Attributes:
        statuses: Of all answers: who sends several requests at once gets several.
        content: The first one.
    """

    statuses: list[int]
    content: bytes


def request(
    method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], body: bytes = b"", *, host: bytes = b"127.0.0.1"
) -> bytes:
    """Put a request together; its length is told unless a header says otherwise."""
    lines = [b"%b %b HTTP/1.1" % (method, target), b"Host: " + host]
    lines += [name + b": " + value for name, value in headers]
    if not any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in headers):
        lines.append(b"Content-Length: %d" % len(body))
    lines.append(b"Connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def ask(address: tuple[str, int], *sent: bytes, finish: bool = False) -> Answer:
    """Send bytes on a connection of its own, and read the answer, or all of them.

    Args:
        address: Of the server.
        *sent: Anything; each is sent after something came back to the one before.
        finish: Whether to say that nothing more will come, and to read all that comes back.

    Raises:
        TimeoutError: The server neither answers nor closes.
    """
    received = b""
    with socket.create_connection(address, timeout=_SECONDS) as connection:
        try:
            for place, piece in enumerate(sent):
                received += connection.recv(65536) if place else b""
                connection.sendall(piece)
            if finish:
                received += _heard(connection)
                connection.shutdown(socket.SHUT_WR)
            while (finish or _end(received) is None) and (more := connection.recv(65536)):
                received += more
        except TimeoutError:
            raise
        except OSError:  # it has heard enough, and has hung up; what it said before is what counts
            pass
    return Answer([int(found) for found in _STATUS.findall(received)], received[: _end(received)])


def _heard(connection: socket.socket) -> bytes:
    """What comes before a silence: to hang up at once would end what the server is about to do."""
    received = b""
    connection.settimeout(_SILENCE_SECONDS)
    try:
        while more := connection.recv(65536):
            received += more
    except TimeoutError:
        pass
    connection.settimeout(_SECONDS)
    return received


def _end(received: bytes) -> int | None:
    """Where the first answer ends; None when it has not ended, or only the connection's end will tell."""
    head, end, body = received.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    if not end or length is None or len(body) < int(length[1]):
        return None
    return len(head) + len(end) + int(length[1])
