"""The Books service in a process of its own, while its MongoDB is absent, dies, freezes, and comes back."""

import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from fastapi_factory_utilities.testing import FaultProxy
from fastapi_factory_utilities.testing.servers import Server
from tests.integration.serving.service import Service

BOOKS = "/api/v1/books"
READY = "/api/v1/sys/readiness"
ALIVE = "/api/v1/sys/liveness"
# What a request may take while the database is away: its deadline, and room for a busy machine.
REQUEST_SECONDS = 8


class BooksService(Service):
    command = (sys.executable, "-m", "fastapi_factory_utilities.example")


@pytest.fixture
def server(private_mongo_server: Server) -> Server:
    return private_mongo_server


@pytest.fixture
def proxy(server: Server, fault_proxy: Callable[[str], FaultProxy]) -> FaultProxy:
    return fault_proxy(server.uri)


@pytest.fixture
def books(tmp_path: Path, proxy: FaultProxy) -> Iterator[BooksService]:
    with _books(tmp_path, proxy.uri) as service:
        service.wait_until(READY, 200, seconds=30)
        yield service


def _books(folder: Path, uri: str) -> BooksService:
    return BooksService(
        folder,
        MONGO_URI=uri,
        AMQP_URL="amqp://127.0.0.1:1",  # nobody is there: the outbox keeps what is to be told
        APP__TASKIQ__IN_MEMORY="true",
        ENVIRONMENT="production",
        APP__SERVER__PORT="0",
        APP__SERVER__DRAIN_SECONDS="0",
        APP__ODM__DATABASE=f"books_{uuid4().hex}",
    )


def _add(service: BooksService, title: str) -> int:
    return service.ask("POST", BOOKS, {"title": title})[0]


def _titles(service: BooksService) -> set[str]:
    status, answer = service.get(f"{BOOKS}?limit=1000")
    assert status == 200
    return {book["title"] for book in answer["books"]}


def _is_unavailable(answer: tuple[int, dict[str, object]]) -> bool:
    status, problem = answer
    return status == 503 and problem["status"] == 503 and bool(problem["trace_id"])


def test_without_a_database_it_serves_and_tells_and_recovers_by_itself(tmp_path: Path, server: Server) -> None:
    uri = server.uri
    server.stop()
    with _books(tmp_path, uri) as service:
        listening = service.wait_for("listening")
        starting = service.wait_for("Waiting for application startup.")
        assert _seconds_between(starting, listening) < 2
        assert service.get(ALIVE)[0] == 200
        status, answer = service.get(READY)
        assert status == 503
        assert "database:MongoDB" in str(answer)
        assert service.get("/api/v1/sys/startup")[0] == 503
        assert _is_unavailable(service.ask("POST", BOOKS, {"title": "early"}, timeout=REQUEST_SECONDS))
        server.start()
        service.wait_until(READY, 200, seconds=5)
        assert service.get("/api/v1/sys/startup")[0] == 200
        assert _add(service, "first") == 201
        assert _add(service, "first") == 409
        assert service.end() == 0
        assert "Traceback" not in service.text


def _seconds_between(first: dict[str, str], second: dict[str, str]) -> float:
    times = [datetime.fromisoformat(entry["timestamp"]) for entry in (first, second)]
    return (times[1] - times[0]).total_seconds()


@pytest.mark.parametrize("fault", ["kill", "freeze", "refuse", "cut"])
def test_an_outage_is_told_within_2_s_and_over_within_5(
    books: BooksService, server: Server, proxy: FaultProxy, fault: str
) -> None:
    assert _add(books, "before") == 201
    break_it, mend_it = {
        "kill": (server.kill, server.start),
        "freeze": (proxy.freeze, proxy.heal),
        "refuse": (proxy.refuse, proxy.heal),
        "cut": (lambda: proxy.cut_after(0), proxy.heal),
    }[fault]
    break_it()
    not_ready = books.wait_until(READY, 503, seconds=2)
    assert "database:MongoDB" in str(not_ready)
    assert books.get(ALIVE)[0] == 200
    assert books.get("/api/v1/sys/health")[0] == 503
    assert _is_unavailable(books.get(BOOKS, timeout=REQUEST_SECONDS))
    mend_it()
    books.wait_until(READY, 200, seconds=5)
    assert _add(books, "after") == 201
    assert _titles(books) == {"before", "after"}


def test_a_line_cut_in_the_middle_of_a_request_is_an_answer_and_no_hang(books: BooksService, proxy: FaultProxy) -> None:
    assert _add(books, "before") == 201
    for size in (1, 20, 60):
        proxy.cut_after(size)
        answer = books.ask("POST", BOOKS, {"title": f"cut {size}"}, timeout=REQUEST_SECONDS)
        assert answer[0] in {201, 503}
        proxy.heal()
    books.wait_until(READY, 200, seconds=5)
    assert _add(books, "after") == 201


def test_no_acknowledged_write_is_lost_when_the_database_is_killed(books: BooksService, server: Server) -> None:
    acknowledged: set[str] = set()
    for cycle in range(3):
        for number in range(20):
            if _add(books, f"{cycle}-{number}") == 201:
                acknowledged.add(f"{cycle}-{number}")
        server.kill()
        status = books.ask("POST", BOOKS, {"title": f"{cycle}-while-dead"}, timeout=REQUEST_SECONDS)[0]
        assert status == 503
        server.start()
        books.wait_until(READY, 200, seconds=5)
    assert len(acknowledged) == 60
    assert acknowledged <= _titles(books)


def test_sockets_threads_and_memory_are_back_after_outages(books: BooksService, proxy: FaultProxy) -> None:
    process = psutil.Process(books.process.pid)

    def outage(number: int) -> None:
        proxy.reset()
        proxy.refuse()
        books.wait_until(READY, 503, seconds=5)
        proxy.heal()
        books.wait_until(READY, 200, seconds=5)
        assert _add(books, f"book {number}") == 201

    outage(0)
    descriptors, threads, memory = process.num_fds(), process.num_threads(), process.memory_info().rss
    for number in range(1, 6):
        outage(number)
    deadline = time.monotonic() + 15
    while process.num_fds() > descriptors or process.num_threads() > threads:
        assert time.monotonic() < deadline, (descriptors, process.num_fds(), threads, process.num_threads())
        time.sleep(0.1)
    assert process.memory_info().rss < memory * 1.1


def test_it_stops_in_time_while_the_database_is_frozen(books: BooksService, proxy: FaultProxy) -> None:
    proxy.freeze()
    books.wait_until(READY, 503, seconds=2)
    assert books.end(seconds=15) == 0, books.text


def test_the_log_of_an_outage_is_short_and_has_no_secret(tmp_path: Path, server: Server) -> None:
    host_and_rest = server.uri.removeprefix("mongodb://")
    server.stop()
    with _books(tmp_path, f"mongodb://user:hunter2canary@{host_and_rest}") as service:
        service.wait_for("listening")
        for _ in range(5):
            assert service.get(BOOKS, timeout=REQUEST_SECONDS)[0] == 503
        assert service.end() == 0
        assert "hunter2canary" not in service.text
        assert len(service.text.splitlines()) < 60
