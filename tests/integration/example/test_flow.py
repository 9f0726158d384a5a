"""A book on its way through everything: MongoDB, the outbox, RabbitMQ, a listener, Redis, a worker, the index."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fastapi_factory_utilities.testing import FaultProxy
from tests.integration.serving.service import Service

BOOKS = "/api/v1/books"
READY = "/api/v1/sys/readiness"
HEALTH = "/api/v1/sys/health"
# A service that was away for long is asked for again after a pause; there is nobody who hurries it.
FOUND_SECONDS = 30


class BooksService(Service):
    command = (sys.executable, "-m", "fastapi_factory_utilities.example")


class BooksWorker(Service):
    command = (
        sys.executable,
        "-m",
        "fastapi_factory_utilities",
        "worker",
        "fastapi_factory_utilities.example.app:AppBuilder",
    )


@pytest.fixture
def rabbitmq(rabbitmq_uri: str, fault_proxy: Callable[[str], FaultProxy]) -> FaultProxy:
    return fault_proxy(rabbitmq_uri)


@pytest.fixture
def redis(redis_uri: str, fault_proxy: Callable[[str], FaultProxy]) -> FaultProxy:
    return fault_proxy(redis_uri)


@pytest.fixture
def environment(mongo_uri: str, rabbitmq: FaultProxy, redis: FaultProxy) -> dict[str, str]:
    return {
        "MONGO_URI": mongo_uri,
        "APP__ODM__DATABASE": mongo_uri.rpartition("/")[2].partition("?")[0],
        "AMQP_URL": rabbitmq.uri,
        "REDIS_URL": redis.uri,
        "ENVIRONMENT": "production",
        "APP__SERVER__PORT": "0",
        "APP__SERVER__DRAIN_SECONDS": "0",
        "APP__TASKIQ__RUN_IN_WEB": "false",
        "APP__TASKIQ__VISIBILITY_TIMEOUT_SECONDS": "2",
    }


@pytest.fixture
def books(tmp_path: Path, environment: dict[str, str]) -> Iterator[BooksService]:
    with BooksService(tmp_path, **environment) as service:
        service.wait_until(READY, 200, seconds=30)
        yield service


@pytest.fixture
def worker(tmp_path: Path, environment: dict[str, str]) -> Iterator[BooksWorker]:
    with BooksWorker(tmp_path, **environment) as service:
        service.wait_for("running")
        yield service


def _add(service: Service, title: str) -> None:
    assert service.ask("POST", BOOKS, {"title": title})[0] == 201


def _wait_until_found(service: Service, word: str, count: int = 1) -> None:
    deadline = time.monotonic() + FOUND_SECONDS
    while (answer := service.get(f"{BOOKS}/search?words={word}"))[1].get("size") != count:
        assert time.monotonic() < deadline, (answer, service.text)
        time.sleep(0.02)


def test_a_book_that_was_added_is_indexed_by_a_worker(books: BooksService, worker: BooksWorker) -> None:
    for number in range(20):
        _add(books, f"Dune {number}")
    _wait_until_found(books, "dune", 20)
    assert books.end() == 0
    assert worker.end() == 0
    assert "Traceback" not in books.text + worker.text


def test_books_are_kept_while_rabbitmq_and_redis_are_away_and_indexed_when_they_are_back(
    books: BooksService, worker: BooksWorker, rabbitmq: FaultProxy, redis: FaultProxy
) -> None:
    rabbitmq.refuse()
    redis.refuse()
    _add(books, "Dune")
    deadline = time.monotonic() + 5
    while books.get(HEALTH) != (200, {"status": "degraded"}):
        assert time.monotonic() < deadline, books.get(HEALTH)
        time.sleep(0.02)
    assert books.get(READY)[0] == 200
    _add(books, "Emma")
    assert books.get(f"{BOOKS}/search?words=emma") == (200, {"books": [], "size": 0})
    rabbitmq.heal()
    redis.heal()
    _wait_until_found(books, "dune")
    _wait_until_found(books, "emma")
    books.wait_until(HEALTH, 200, seconds=5)


def test_a_worker_that_is_killed_loses_no_book(
    books: BooksService, worker: BooksWorker, tmp_path: Path, environment: dict[str, str]
) -> None:
    for number in range(30):
        _add(books, f"Dune {number}")
        if number == 10:
            worker.process.kill()
    with BooksWorker(tmp_path, **environment) as other:
        _wait_until_found(books, "dune", 30)
        assert other.end() == 0


def test_no_secret_of_any_backend_is_told(tmp_path: Path, environment: dict[str, str]) -> None:
    canary = "hunter2canary"
    wrong = {
        "MONGO_URI": environment["MONGO_URI"].replace("mongodb://", f"mongodb://user:{canary}@"),
        "AMQP_URL": environment["AMQP_URL"].replace("guest:guest", f"guest:{canary}"),
        "REDIS_URL": environment["REDIS_URL"].replace("redis://", f"redis://:{canary}@"),
    }
    assert all(canary in uri for uri in wrong.values())
    with BooksService(tmp_path, **environment | wrong, APP__LOGGING='[{"name": "root", "level": "DEBUG"}]') as service:
        service.wait_for("listening")
        service.wait_until("/api/v1/sys/health/components", 200, seconds=5)
        assert canary not in str(service.get("/api/v1/sys/health/components"))
        service.end()
        assert canary not in service.text
