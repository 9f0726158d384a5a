"""The few words of MongoDB's protocol that we speak, and a real driver's opinion of them."""

import socket
import threading

import bson
import pytest

from fastapi_factory_utilities.testing import Server
from fastapi_factory_utilities.testing.servers.mongo_wire import Value, ask


def answer_with(reply: bytes) -> tuple[str, int]:
    """Serve one connection on a port of its own with these bytes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener, listener.accept()[0] as connection:
            connection.recv(4096)
            connection.sendall(reply)

    threading.Thread(target=serve, daemon=True).start()
    host, port = listener.getsockname()
    return host, port


def test_a_command_is_the_bson_that_the_driver_would_send() -> None:
    command: dict[str, Value] = {"replSetInitiate": {"_id": "ffu", "members": [{"_id": 0, "host": "h:1"}]}, "big": 7}
    received = b""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            nonlocal received
            with listener.accept()[0] as connection:
                received = connection.recv(4096)
                connection.sendall((16).to_bytes(4, "little") + bytes(12))

        thread = threading.Thread(target=serve)
        thread.start()
        host, port = listener.getsockname()
        assert ask(host, port, command) == b""
        thread.join()
    assert int.from_bytes(received[:4], "little") == len(received)
    assert bson.decode(received[21:]) == {**command, "$db": "admin"}


def test_a_real_server_understands_and_answers(mongo_server: Server) -> None:
    host, port = mongo_server.uri.removeprefix("mongodb://").split("/")[0].split(":")
    reply = bson.decode(ask(host, int(port), {"hello": 1})[5:])
    assert reply["ok"] == 1


def test_a_server_that_breaks_off_in_the_middle_is_an_error() -> None:
    with pytest.raises(ConnectionResetError, match="middle of its reply"):
        ask(*answer_with((100).to_bytes(4, "little") + bytes(20)), {"hello": 1})
