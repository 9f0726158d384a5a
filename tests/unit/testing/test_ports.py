"""A reserved port stays reserved while its listener comes and goes."""

import socket
import sys

import pytest

from fastapi_factory_utilities.testing.ports import ReservedPort, bound_socket

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a listener bind beside the keeper")


def test_a_reserved_port_refuses_connections_and_is_given_to_nobody_else() -> None:
    reserved = ReservedPort()
    try:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((reserved.host, reserved.port), timeout=5)
        with socket.socket() as intruder, pytest.raises(OSError, match="in use"):
            intruder.bind((reserved.host, reserved.port))
    finally:
        reserved.release()


def test_its_listener_may_come_go_and_come_again() -> None:
    reserved = ReservedPort()
    try:
        for _ in range(3):
            with bound_socket(reserved.host, reserved.port) as listener:
                listener.listen()
                socket.create_connection((reserved.host, reserved.port), timeout=5).close()
    finally:
        reserved.release()


def test_a_port_with_a_listener_cannot_be_reserved() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(OSError, match="in use"):
        ReservedPort("127.0.0.1", listener.getsockname()[1])
