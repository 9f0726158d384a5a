"""The id of a request, in its answer and in each of its log lines."""

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import BackgroundTasks, FastAPI, WebSocket
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from fastapi_factory_utilities.core.api import create_fastapi, request_id_of, trace_id_of
from fastapi_factory_utilities.core.api.request_ids import RequestIds
from fastapi_factory_utilities.core.logs import AccessLog, configure_logging, get_logger
from fastapi_factory_utilities.core.logs.context import surroundings

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
CACHED = PlainTextResponse("always the same")

_log = get_logger("library")

Lines = Callable[[], list[dict[str, Any]]]


def talking() -> FastAPI:
    """A service that says something wherever code of a request runs."""
    app = create_fastapi(title="Library", version="1.2.3")

    def in_thread() -> PlainTextResponse:
        _log.info("said", where="thread")
        logging.getLogger("foreign").warning("said")
        return CACHED

    async def with_task(tasks: BackgroundTasks) -> str:
        tasks.add_task(_log.info, "said", where="background task")
        return "ok"

    async def own_id() -> PlainTextResponse:
        return PlainTextResponse("ok", headers={"X-Request-ID": "the service's own"})

    async def failing() -> None:
        raise ValueError

    async def session(websocket: WebSocket) -> None:
        await websocket.accept()
        _log.info("said", where="session")
        await websocket.close()

    app.get("/thread")(in_thread)
    app.get("/task")(with_task)
    app.get("/own")(own_id)
    app.get("/failing")(failing)
    app.websocket("/ws")(session)
    app.add_middleware(GZipMiddleware)
    return app


@pytest.fixture
def entry() -> ASGIApp:
    configure_logging("json", {"httpx": "WARNING", "httpx2": "WARNING", "asyncio": "WARNING"})
    return RequestIds(AccessLog(talking()))


@pytest.fixture
def client(entry: ASGIApp) -> TestClient:
    return TestClient(entry, raise_server_exceptions=False)


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    "sent", ["7", "4f3c9d5e-0f3a-4f9e-8f3d-1b2c3d4e5f60", "Root=1-67891233-abcdef012345", "x" * 128]
)
def test_a_callers_id_comes_back_and_is_in_every_line(client: TestClient, lines: Lines, sent: str) -> None:
    answer = client.get("/thread", headers={"X-Request-ID": sent, **TRACEPARENT})

    assert answer.headers.get_list("x-request-id") == [sent]
    told = lines()
    assert [line["event"] for line in told] == ["said", "said", "request"]
    assert {(line["request_id"], line["trace_id"]) for line in told} == {(sent, TRACE)}


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("X-Request-ID", "")],
        [("X-Request-ID", "x" * 129)],
        [("X-Request-ID", 'a","level":"error')],
        [("X-Request-ID", "a b")],
        [("X-Request-ID", "\xe9")],
        [("X-Request-ID", "a\tb")],
        [("X-Request-ID", "one"), ("X-Request-ID", "two")],
    ],
)
def test_without_exactly_one_harmless_id_a_request_is_called_by_its_trace_id(
    client: TestClient, lines: Lines, headers: list[tuple[str, str]]
) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    answer = client.get("/task", headers=raw)

    named = answer.headers.get_list("x-request-id")
    assert [bool(re.fullmatch("[0-9a-f]{32}", name)) for name in named] == [True]
    assert {(line["request_id"], line["trace_id"]) for line in lines()} == {(named[0], named[0])}


def test_what_runs_after_the_answer_has_the_ids_too(client: TestClient, lines: Lines) -> None:
    client.get("/task", headers={"X-Request-ID": "r-1"})

    assert [(line["event"], line["request_id"]) for line in lines()] == [("said", "r-1"), ("request", "r-1")]


def test_an_error_answer_its_line_and_its_header_agree(client: TestClient, lines: Lines) -> None:
    answer = client.get("/failing")

    identity = answer.json()["trace_id"]
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, identity)
    assert [(line["event"], line["trace_id"], line["request_id"]) for line in lines()] == [
        ("unhandled exception", identity, identity),
        ("request", identity, identity),
    ]


def test_an_id_that_the_service_puts_into_its_answer_stays_the_only_one(client: TestClient) -> None:
    assert client.get("/own").headers.get_list("x-request-id") == ["the service's own"]


def test_an_answer_that_is_sent_twice_has_one_id_each_time(client: TestClient) -> None:
    named = [client.get("/thread", headers={"X-Request-ID": name}).headers.get_list("x-request-id") for name in "ab"]

    assert named == [["a"], ["b"]]


def test_a_websocket_session_has_one_id_from_its_handshake_to_its_end(client: TestClient, lines: Lines) -> None:
    with client.websocket_connect("/ws", headers={"X-Request-ID": "r-1"}) as session:
        extra: Any = session.extra_headers  # typed as if it were always None
        assert (b"x-request-id", b"r-1") in extra

    assert [(line["event"], line["request_id"]) for line in lines()] == [
        ("websocket opened", "r-1"),
        ("said", "r-1"),
        ("websocket closed", "r-1"),
    ]


async def test_nothing_is_left_around_when_a_request_is_over(entry: ASGIApp) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        del message

    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/task", "query_string": b"", "headers": []}
    await entry(scope, receive, send)

    assert surroundings() == {}
    assert request_id_of(scope) == trace_id_of(scope)
