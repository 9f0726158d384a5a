"""Just enough of Redis' protocol to ask a server something: no driver needed, no thread started."""

import socket

__all__ = ["ask"]


def ask(host: str, port: int, *words: str, line: int = 0, seconds: float = 1.0) -> bytes:
    """Send a command and return one line of the reply, by default the first, such as `+PONG`.

    An error is one line: when a later one was asked for, the deadline ends the wait.

    The bytes are an array of bulk strings (https://redis.io/docs/latest/develop/reference/protocol-spec/).

    Raises:
        OSError: When the server does not answer in time, or breaks off.
    """
    encoded = [word.encode() for word in words]
    command = b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
    with socket.create_connection((host, port), timeout=seconds) as connection:
        connection.sendall(command)
        reply = b""
        while reply.count(b"\r\n") <= line:
            data = connection.recv(4096)
            if not data:
                raise ConnectionResetError("the server broke off in the middle of its reply")
            reply += data
    return reply.split(b"\r\n")[line]
