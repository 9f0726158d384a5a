"""Fixtures for the tests of our users, and a report that a test that could not run never looks like one that passed.

pytest loads this module in every run of everybody who has the package installed, so it imports nothing but pytest until
a fixture is asked for, and changes nothing for tests that do not ask.
"""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

    from fastapi_factory_utilities.testing.amqp import InMemoryBroker
    from fastapi_factory_utilities.testing.otlp import OtlpCollector
    from fastapi_factory_utilities.testing.proxy import FaultProxy
    from fastapi_factory_utilities.testing.servers import Server
    from fastapi_factory_utilities.testing.telemetry import SpanCapture

_NOT_RUN = "not run"


@pytest.fixture(scope="session")
def mongo_server() -> "Iterator[Server]":
    """A MongoDB shared by the whole session (with xdist: by one worker). Do not kill it: see `private_mongo_server`."""
    from fastapi_factory_utilities.testing.servers import mongo_server as choose  # noqa: PLC0415 - see the module

    with choose() as server:
        yield server


@pytest.fixture
def mongo_database() -> str:
    """The name of a MongoDB database that only this test uses."""
    return f"test_{uuid4().hex}"


@pytest.fixture
def mongo_uri(mongo_server: "Server", mongo_database: str) -> Iterator[str]:
    """The URI of a MongoDB with the database that only this test uses; it is gone after the test."""
    uri = mongo_server.uri_for(mongo_database)
    yield uri
    if not mongo_server.controllable:
        _drop_mongo_database(uri)


@pytest.fixture
def private_mongo_server() -> "Iterator[Server]":
    """A MongoDB of the test's own, to kill, freeze and restart."""
    from fastapi_factory_utilities.testing.servers import mongo_server as choose  # noqa: PLC0415 - see the module

    with choose(private=True) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> "Iterator[Server]":
    """A PostgreSQL shared by the whole session (with xdist: by one worker)."""
    from fastapi_factory_utilities.testing.servers import postgres_server as choose  # noqa: PLC0415 - see the module

    with choose() as server:
        yield server


@pytest.fixture
def private_postgres_server() -> "Iterator[Server]":
    """A PostgreSQL of the test's own, to kill, freeze and restart."""
    from fastapi_factory_utilities.testing.servers import postgres_server as choose  # noqa: PLC0415 - see the module

    with choose(private=True) as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq_server() -> "Iterator[Server]":
    """A RabbitMQ shared by the whole session, with xdist by all workers. Do not kill it: `private_rabbitmq_server`."""
    from fastapi_factory_utilities.testing.servers import rabbitmq_server as choose  # noqa: PLC0415 - see the module

    with choose() as server:
        yield server


@pytest.fixture
def rabbitmq_uri(rabbitmq_server: "Server") -> Iterator[str]:
    """The URI of a RabbitMQ with a virtual host that only this test uses; it is gone after the test.

    The virtual host of `FFU_TEST_RABBITMQ_URI` is the only one there: tests that are to run on it name what they
    declare so that nobody else does.
    """
    from fastapi_factory_utilities.testing.servers import HasVhosts  # noqa: PLC0415 - see the module

    if not isinstance(rabbitmq_server, HasVhosts):
        yield rabbitmq_server.uri
        return
    name = f"test_{uuid4().hex}"
    yield rabbitmq_server.add_vhost(name)
    rabbitmq_server.delete_vhost(name)


@pytest.fixture
def private_rabbitmq_server() -> "Iterator[Server]":
    """A RabbitMQ of the test's own, to kill, freeze and restart."""
    from fastapi_factory_utilities.testing.servers import rabbitmq_server as choose  # noqa: PLC0415 - see the module

    with choose(private=True) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> "Iterator[Server]":
    """A Redis shared by the whole session (with xdist: by one worker). Do not kill it: see `private_redis_server`."""
    from fastapi_factory_utilities.testing.servers import redis_server as choose  # noqa: PLC0415 - see the module

    with choose() as server:
        yield server


@pytest.fixture
def redis_uri(redis_server: "Server") -> Iterator[str]:
    """The URI of a Redis with a database number that only this test uses; it is empty before and after the test."""
    from fastapi_factory_utilities.testing.servers.redis_databases import own_database  # noqa: PLC0415 - see the module

    with own_database(redis_server.uri) as number:
        yield redis_server.uri_for(str(number))


@pytest.fixture
def private_redis_server() -> "Iterator[Server]":
    """A Redis of the test's own, to kill, freeze and restart; a kill loses nothing."""
    from fastapi_factory_utilities.testing.servers import redis_server as choose  # noqa: PLC0415 - see the module

    with choose(private=True) as server:
        yield server


@pytest.fixture
def amqp_broker() -> "Iterator[InMemoryBroker]":
    """A message broker in memory, of the test's own; its `url` is where aio-pika and the library's plugin find it."""
    from fastapi_factory_utilities.testing.amqp import InMemoryBroker  # noqa: PLC0415 - see the module

    with InMemoryBroker() as broker:
        yield broker


@pytest.fixture
def fault_proxy() -> "Iterator[Callable[[str], FaultProxy]]":
    """Make proxies that break the line: call it with a backend's URI, then use the `uri` of what it returns."""
    from fastapi_factory_utilities.testing.proxy import FaultProxy  # noqa: PLC0415 - see the module

    with ExitStack() as proxies:
        yield lambda uri: proxies.enter_context(FaultProxy.for_uri(uri))


@pytest.fixture
def span_capture() -> "SpanCapture":
    """Where spans are kept in memory: give it to the application with `OpenTelemetryPlugin(sinks=[span_capture])`."""
    from fastapi_factory_utilities.testing.telemetry import SpanCapture  # noqa: PLC0415 - see the module

    return SpanCapture()


@pytest.fixture
def otlp_collector() -> "Iterator[OtlpCollector]":
    """An OTLP collector of the test's own, over HTTP and gRPC: it keeps what it gets, and answers as it is told."""
    from fastapi_factory_utilities.testing.otlp import OtlpCollector  # noqa: PLC0415 - see the module

    with OtlpCollector() as collector:
        yield collector


def _drop_mongo_database(uri: str) -> None:
    from pymongo import MongoClient  # noqa: PLC0415 - see the module

    with MongoClient[dict[str, object]](uri) as client:
        client.drop_database(client.get_default_database())


# --- not run ---


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report a test whose backend is not on this machine as "not run"; with CI=true as what it is there, a failure."""
    report = yield
    error = call.excinfo.value if call.excinfo is not None else None
    if error is None or not _is_backend_not_available(error):
        return report
    reason = f"{_NOT_RUN}: {error}"
    if os.environ.get("CI", "").lower() in {"true", "1"}:
        report.longrepr = f"{reason}\nWith CI=true every test must run."
    else:
        path, line, _ = report.location
        report.outcome = "skipped"
        report.longrepr = (path, line or 0, reason)
        report.user_properties.append((_NOT_RUN, str(error)))
    return report


def _is_backend_not_available(error: BaseException) -> bool:
    import sys  # noqa: PLC0415 - only for tests that fail

    errors = sys.modules.get("fastapi_factory_utilities.testing.servers.errors")
    return errors is not None and isinstance(error, errors.BackendNotAvailable)


def _reason(report: object) -> str | None:
    if not isinstance(report, pytest.TestReport):
        return None
    return next((str(reason) for name, reason in report.user_properties if name == _NOT_RUN), None)


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: object) -> tuple[str, str, str] | None:
    """Count tests that were not run by themselves: neither passed nor skipped."""
    return (_NOT_RUN, "N", "NOT RUN") if _reason(report) else None


def pytest_terminal_summary(terminalreporter: "TerminalReporter") -> None:
    """List every test that was not run, by name, under what it is missing."""
    missing: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get(_NOT_RUN, []):
        missing.setdefault(_reason(report) or "", []).append(report.nodeid)
    if not missing:
        return
    terminalreporter.section("NOT RUN", yellow=True, bold=True)
    for reason, tests in missing.items():
        count = "1 test" if len(tests) == 1 else f"{len(tests)} tests"
        terminalreporter.line(f"NOT RUN: {count} - {reason}", yellow=True, bold=True)
        for test in tests:
            terminalreporter.line(f"  {test}")
