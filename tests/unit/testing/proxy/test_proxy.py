"""The proxy breaks the line exactly as told, for existing and new connections, and heals it on the same port."""

import asyncio
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from fastapi_factory_utilities.testing import Direction, FaultProxy, no_leaks

PATIENCE_SECONDS = 10.0
# How long nothing must arrive before "nothing arrives" is believed.
SILENCE_SECONDS = 0.15


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(65536):
            self.request.sendall(data)


class EchoServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A line that breaks is what these tests are about: no traceback."""


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    with EchoServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        host, port = server.server_address[:2]
        yield str(host), port
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(echo: tuple[str, int]) -> Iterator[FaultProxy]:
    with FaultProxy(*echo) as proxy:
        yield proxy


@pytest.fixture
def connect(proxy: FaultProxy) -> Iterator[Callable[[], socket.socket]]:
    with ExitStack() as connections:

        def connection() -> socket.socket:
            return connections.enter_context(socket.create_connection((proxy.host, proxy.port), PATIENCE_SECONDS))

        yield connection


def receive(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size and (data := connection.recv(size - len(received))):
        received += data
    return received


def say(connection: socket.socket, words: bytes) -> bytes:
    connection.sendall(words)
    return receive(connection, len(words))


def is_silent(connection: socket.socket) -> bool:
    connection.settimeout(SILENCE_SECONDS)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(PATIENCE_SECONDS)
    return False


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.01)


def test_a_healthy_line_carries_everything_both_ways(proxy: FaultProxy, connect: Callable[[], socket.socket]) -> None:
    words = bytes(range(256)) * 4096
    connection = connect()
    sender = threading.Thread(target=connection.sendall, args=(words,))
    sender.start()
    assert receive(connection, len(words)) == words
    sender.join()
    # A piece is counted when it was sent, so the last one may have arrived a moment earlier.
    wait_until(lambda: proxy.bytes_forwarded(Direction.TO_SERVER) == len(words))
    wait_until(lambda: proxy.bytes_forwarded(Direction.TO_CLIENT) == len(words))


def test_a_refused_line_closes_what_is_open_and_refuses_what_is_new(
    proxy: FaultProxy, connect: Callable[[], socket.socket]
) -> None:
    existing = connect()
    say(existing, b"before")
    proxy.refuse()
    assert existing.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        connect()


def test_the_port_is_the_same_and_nobody_elses_through_refusal_and_healing(
    proxy: FaultProxy, connect: Callable[[], socket.socket]
) -> None:
    port = proxy.port
    proxy.refuse()
    with socket.socket() as intruder, pytest.raises(OSError, match="in use"):
        intruder.bind((proxy.host, port))
    proxy.heal()
    assert proxy.port == port
    assert say(connect(), b"again") == b"again"


def test_a_frozen_line_accepts_and_keeps_connections_but_passes_nothing(
    proxy: FaultProxy, connect: Callable[[], socket.socket]
) -> None:
    existing = connect()
    say(existing, b"before")
    proxy.freeze()
    new = connect()
    existing.sendall(b"existing")
    new.sendall(b"new")
    assert is_silent(existing)
    assert is_silent(new)
    proxy.heal()
    assert receive(existing, 8) == b"existing"
    assert receive(new, 3) == b"new"


def test_one_direction_can_be_frozen_alone(proxy: FaultProxy, connect: Callable[[], socket.socket]) -> None:
    connection = connect()
    say(connection, b"before")
    proxy.freeze(Direction.TO_CLIENT)
    connection.sendall(b"question")
    wait_until(lambda: proxy.bytes_forwarded(Direction.TO_SERVER) == 14)
    assert is_silent(connection)
    wait_until(lambda: proxy.bytes_forwarded(Direction.TO_CLIENT) == 6)


def test_a_frozen_line_hides_the_end_of_a_connection(proxy: FaultProxy, connect: Callable[[], socket.socket]) -> None:
    connection = connect()
    say(connection, b"before")
    proxy.freeze()
    connection.shutdown(socket.SHUT_WR)
    assert is_silent(connection)
    proxy.heal()
    assert connection.recv(1) == b""


def test_latency_makes_everything_later(proxy: FaultProxy, connect: Callable[[], socket.socket]) -> None:
    connection = connect()
    proxy.latency(0.3, Direction.TO_CLIENT)
    began = time.monotonic()
    say(connection, b"later")
    assert time.monotonic() - began >= 0.3


def test_healing_ends_a_latency_that_is_being_waited_out(
    proxy: FaultProxy, connect: Callable[[], socket.socket]
) -> None:
    connection = connect()
    proxy.latency(3600)
    connection.sendall(b"now")
    assert is_silent(connection)
    proxy.heal()
    assert receive(connection, 3) == b"now"


def test_bandwidth_limits_what_passes_in_a_second(proxy: FaultProxy, connect: Callable[[], socket.socket]) -> None:
    connection = connect()
    proxy.bandwidth(10_000, Direction.TO_SERVER)
    began = time.monotonic()
    assert say(connection, b"x" * 5_000) == b"x" * 5_000
    assert time.monotonic() - began >= 0.35


def test_sliced_data_arrives_whole_in_tiny_pieces(proxy: FaultProxy, connect: Callable[[], socket.socket]) -> None:
    connection = connect()
    proxy.slice(1)
    connection.sendall(b"slices")
    pieces: list[bytes] = []
    while sum(map(len, pieces)) < 6:
        pieces.append(connection.recv(100))
    assert b"".join(pieces) == b"slices"
    assert len(pieces) > 1


def test_a_reset_line_breaks_off_what_is_open_and_what_is_new(
    proxy: FaultProxy, connect: Callable[[], socket.socket]
) -> None:
    existing = connect()
    say(existing, b"before")
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        existing.recv(1)
    with pytest.raises(ConnectionResetError):
        connect().recv(1)
    proxy.heal()
    assert say(connect(), b"after") == b"after"


def test_a_slow_close_is_passed_on_later(proxy: FaultProxy, connect: Callable[[], socket.socket]) -> None:
    connection = connect()
    proxy.slow_close(0.3, Direction.TO_SERVER)
    began = time.monotonic()
    connection.shutdown(socket.SHUT_WR)
    assert connection.recv(1) == b""
    assert time.monotonic() - began >= 0.3


def test_a_line_cut_after_n_bytes_carries_exactly_n(proxy: FaultProxy, connect: Callable[[], socket.socket]) -> None:
    existing = connect()
    say(existing, b"before")
    proxy.cut_after(3, Direction.TO_CLIENT)
    for connection in (existing, connect()):
        connection.sendall(b"123456")
        assert receive(connection, 6) == b"123"
        assert connection.recv(1) == b""


def test_dropping_closes_what_is_open_and_welcomes_what_is_new(
    proxy: FaultProxy, connect: Callable[[], socket.socket]
) -> None:
    existing = connect()
    say(existing, b"before")
    proxy.drop()
    assert existing.recv(1) == b""
    assert say(connect(), b"after") == b"after"


def test_faults_add_up_until_healed(proxy: FaultProxy, connect: Callable[[], socket.socket]) -> None:
    proxy.slice(2)
    proxy.latency(0.1)
    proxy.cut_after(5, Direction.TO_SERVER)
    connection = connect()
    connection.sendall(b"1234567")
    assert receive(connection, 7) in {b"12345", b"1234", b"12", b""}  # what was under way when the line was cut is lost
    proxy.heal()
    assert say(connect(), b"1234567") == b"1234567"


def test_a_backend_that_refuses_resets_whoever_comes_through_the_proxy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    with FaultProxy(*address) as proxy, socket.create_connection((proxy.host, proxy.port)) as client:
        client.settimeout(PATIENCE_SECONDS)
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_a_frozen_line_does_not_even_tell_that_the_backend_is_gone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    with FaultProxy(*address) as proxy:
        proxy.freeze()
        with socket.create_connection((proxy.host, proxy.port), PATIENCE_SECONDS) as client:
            assert is_silent(client)
            proxy.heal()
            with pytest.raises(ConnectionResetError):
                client.recv(1)


def test_a_client_that_breaks_off_while_the_line_is_bad_is_forgotten_when_it_is_healed(
    proxy: FaultProxy, connect: Callable[[], socket.socket]
) -> None:
    for seconds in (3600, None):
        client = connect()
        say(client, b"before")
        if seconds:
            proxy.latency(seconds)
        else:
            proxy.freeze()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        proxy.heal()
        wait_until(lambda: proxy.open_connections == 0)


def test_connections_are_counted(proxy: FaultProxy, connect: Callable[[], socket.socket]) -> None:
    first, second = connect(), connect()
    say(first, b"x")
    say(second, b"x")
    assert (proxy.connections_accepted, proxy.open_connections) == (2, 2)
    first.close()
    wait_until(lambda: proxy.open_connections == 1)
    assert proxy.connections_accepted == 2


def test_nothing_is_left_after_it_is_closed_whatever_the_fault(echo: tuple[str, int]) -> None:
    for fault in (FaultProxy.freeze, FaultProxy.refuse, FaultProxy.reset, FaultProxy.drop, FaultProxy.heal):
        with no_leaks():
            with (
                FaultProxy(*echo) as proxy,
                socket.create_connection((proxy.host, proxy.port), PATIENCE_SECONDS) as client,
            ):
                say(client, b"x")
                fault(proxy)
            proxy.close()
            assert not [thread for thread in threading.enumerate() if thread.name == "fault-proxy"]


def test_nothing_is_left_when_it_is_closed_at_the_moment_somebody_connects(echo: tuple[str, int]) -> None:
    # Whoever connects is accepted, or not yet, or just now: every moment is hit in so many rounds.
    with no_leaks():
        for _ in range(50):
            with FaultProxy(*echo) as proxy, socket.create_connection((proxy.host, proxy.port), PATIENCE_SECONDS):
                proxy.refuse()
                proxy.heal()


async def test_it_serves_a_test_that_runs_an_event_loop(echo: tuple[str, int]) -> None:
    async with FaultProxy(*echo) as proxy:
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        proxy.refuse()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("mongodb://127.0.0.1:27017/books?directConnection=true", "mongodb://{}/books?directConnection=true"),
        ("mongodb://user:p%40ss@127.0.0.1:27017/books", "mongodb://user:p%40ss@{}/books"),
        ("redis://localhost:6379/0", "redis://{}/0"),
    ],
)
def test_a_uri_goes_through_the_proxy_with_all_else_unchanged(uri: str, expected: str) -> None:
    with FaultProxy.for_uri(uri) as proxy:
        assert proxy.uri == expected.format(f"127.0.0.1:{proxy.port}")


def test_a_uri_without_a_port_takes_the_default_one(echo: tuple[str, int]) -> None:
    with FaultProxy.for_uri("echo://127.0.0.1/x", default_port=echo[1]) as proxy:
        assert proxy.uri == f"echo://127.0.0.1:{proxy.port}/x"
        with socket.create_connection((proxy.host, proxy.port), PATIENCE_SECONDS) as client:
            assert say(client, b"x") == b"x"


@pytest.mark.parametrize("uri", ["mongodb://user:secret@a:1,b:2/x", "mongodb://user:secret@a/x", "nonsense"])
def test_a_uri_without_one_host_and_port_is_refused_without_being_told(uri: str) -> None:
    with pytest.raises(ValueError, match="FaultProxy") as caught:
        FaultProxy.for_uri(uri)
    assert "secret" not in str(caught.value)


def test_it_says_how_to_be_used_when_it_does_not_run(echo: tuple[str, int]) -> None:
    proxy = FaultProxy(*echo)
    for use in (lambda: proxy.port, proxy.freeze, proxy.heal):
        with pytest.raises(RuntimeError, match="with proxy"):
            use()
    with proxy, pytest.raises(RuntimeError, match="running already"):
        proxy.start()


def test_a_fault_of_no_size_is_refused(proxy: FaultProxy) -> None:
    for fault in (proxy.latency, proxy.bandwidth, proxy.slow_close):
        with pytest.raises(ValueError, match="more than 0"):
            fault(0)
    with pytest.raises(ValueError, match="negative"):
        proxy.cut_after(-1)
