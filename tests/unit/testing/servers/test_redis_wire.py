"""The few words of Redis' protocol that we speak."""

import socket
import threading

import pytest

from fastapi_factory_utilities.testing import Server
from fastapi_factory_utilities.testing.servers.redis_wire import ask


def serve(*parts: bytes) -> tuple[str, int]:
    """Serve one connection on a port of its own with these bytes, each in a segment of its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with listener, listener.accept()[0] as connection:
            connection.recv(4096)
            for part in parts:
                connection.sendall(part)

    threading.Thread(target=run, daemon=True).start()
    host, port = listener.getsockname()
    return host, port


def test_a_real_server_understands_and_answers(private_redis_server: Server) -> None:
    host, port = private_redis_server.uri.removeprefix("redis://").split(":")
    assert ask(host, int(port), "PING") == b"+PONG"
    assert ask(host, int(port), "SET", "a key", "é") == b"+OK"
    assert ask(host, int(port), "GET", "a key", line=1) == "é".encode()
    assert ask(host, int(port), "NONSENSE").startswith(b"-ERR")


def test_a_reply_in_pieces_is_read_to_the_line_that_was_asked_for() -> None:
    assert ask(*serve(b"*2\r", b"\n$1\r\n", b"a\r\n$2\r\nbc", b"\r\n"), "X", line=4) == b"bc"


def test_a_server_that_breaks_off_in_the_middle_is_an_error() -> None:
    with pytest.raises(ConnectionResetError, match="middle of its reply"):
        ask(*serve(b"+PO"), "PING")
