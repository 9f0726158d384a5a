"""Services in processes of their own, shared by all who attack them: a dead one fails every test after it."""

import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from uuid import uuid4

import pymongo
import pytest

from fastapi_factory_utilities.testing import Server
from fastapi_factory_utilities.testing.amqp import InMemoryBroker
from tests.integration.serving.service import Service

ROOT = Path(__file__).parents[3]


class Attacked(Service):
    """A service that has to stay alive, and to have nothing to say about its own mistakes."""

    @cached_property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return super().address

    def assert_unharmed(self) -> None:
        """It is the same process, it answers, and no exception went unforeseen."""
        assert self.process.poll() is None, self.text[-3000:]
        assert self.get("/api/v1/sys/liveness") == (200, {"status": "alive"})
        for event in ("unhandled exception", "request failed"):
            assert not self.events(event), self.events(event)[-1]
        assert "Traceback" not in self.text, self.text[-5000:]


class Books(Attacked):
    """The example, with everything that a developer sees."""

    command = (sys.executable, "-m", "fastapi_factory_utilities.example")


class Doors(Attacked):
    """A service with an endpoint of every kind, as it runs in production."""

    command = (sys.executable, "-m", "fastapi_factory_utilities", "serve", "tests.integration.fuzz.doors:AppBuilder")


@pytest.fixture(scope="session")
def books(tmp_path_factory: pytest.TempPathFactory, mongo_server: Server) -> Iterator[Books]:
    """The example in development, with its page, its docs, and its metrics."""
    database = f"fuzz_{uuid4().hex}"
    with (
        InMemoryBroker() as broker,
        Books(
            tmp_path_factory.mktemp("books"),
            MONGO_URI=mongo_server.uri,
            APP__ODM__DATABASE=database,
            AMQP_URL=broker.url,
            APP__TASKIQ__IN_MEMORY="true",
            ENVIRONMENT="development",
            APP__LOGGING_MODE="json",
            APP__SERVER__PORT="0",
            APP__SERVER__DRAIN_SECONDS="0",
        ) as service,
    ):
        try:
            service.wait_until("/api/v1/sys/readiness", 200, seconds=30)
            yield service
        finally:
            with pymongo.MongoClient[dict[str, object]](mongo_server.uri) as client:
                client.drop_database(database)


@pytest.fixture(scope="session")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """A service that takes JSON, forms, files, headers, cookies and WebSockets."""
    with Doors(tmp_path_factory.mktemp("doors"), PYTHONPATH=f"{ROOT}:{ROOT / 'src'}") as service:
        service.wait_until("/api/v1/sys/readiness", 200, seconds=30)
        yield service
