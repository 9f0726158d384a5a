import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from structlog.contextvars import bound_contextvars

from fastapi_factory_utilities.core.logs import (
    AccessLog,
    add_context_provider,
    configure_logging,
    log_request,
    route_template,
)
from fastapi_factory_utilities.core.redaction import register_secrets

QUIET_CLIENT = {"httpx": "WARNING"}  # it logs its requests too


def service() -> FastAPI:
    app = FastAPI()
    outer, inner, mounted = APIRouter(prefix="/api/v1"), APIRouter(prefix="/books"), FastAPI()

    @inner.get("/{book_id}")
    def read(book_id: str) -> str:
        return book_id

    @inner.get("/{book_id}/failing")
    def fail(book_id: str) -> str:
        raise ValueError(book_id)

    @mounted.get("/reports/{year}")
    def report(year: int) -> int:
        return year

    @app.websocket("/ws/{room}")
    async def chat(websocket: WebSocket, room: str) -> None:
        if room == "closed":
            await websocket.close(4003)
            return
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text())
        if room == "broken":
            raise ValueError(room)
        await websocket.close(1000)

    @app.get("/api/v1/sys/readiness")
    def readiness() -> str:
        return "ready"

    outer.include_router(inner)
    app.include_router(outer)
    app.mount("/internal", mounted)
    return app


async def get(app: Any, path: str, **options: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=("10.1.2.3", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return await client.get(path, **options)


async def test_a_request_is_one_line(lines: Any) -> None:
    configure_logging("json", QUIET_CLIENT)
    await get(AccessLog(service()), "/api/v1/books/42?token=canary")
    (line,) = lines()
    assert list(line)[:4] == ["timestamp", "level", "logger", "event"]
    assert line.pop("timestamp").endswith("Z")
    assert 0 < line.pop("duration_ms") < 10_000
    assert line == {
        "level": "info",
        "logger": "access",
        "event": "request",
        "method": "GET",
        "path": "/api/v1/books/42",
        "route": "/api/v1/books/{book_id}",
        "status": 200,
        "bytes": 4,
        "client": "10.1.2.3",
    }


async def test_the_console_tells_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("console", QUIET_CLIENT)
    await get(AccessLog(service()), "/api/v1/books/42")
    line = capsys.readouterr().out
    assert "method=GET  path=/api/v1/books/42  route=/api/v1/books/{book_id}  " in line
    assert "status=200" in line


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("/api/v1/books/42", "/api/v1/books/{book_id}", 200),
        ("/internal/reports/2026", "/internal/reports/{year}", 200),
        ("/nowhere", None, 404),
    ],
)
async def test_the_route_is_told_with_all_its_prefixes(path: str, route: str | None, status: int, lines: Any) -> None:
    configure_logging("json", QUIET_CLIENT)
    await get(AccessLog(service()), path)
    (line,) = lines()
    assert (line.get("route"), line["status"]) == (route, status)


async def test_an_application_that_raises_has_its_one_line_and_its_exception_goes_on(lines: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("before any answer")

    configure_logging("json", QUIET_CLIENT)
    for raising in (app, service()):
        with pytest.raises(ValueError, match=r"before|7"):
            await call(AccessLog(raising), "/api/v1/books/7/failing")
    told = [(line["event"], line["level"], line["status"]) for line in lines()]
    assert told == [("request", "warning", 500)] * 2


async def call(app: Any, path: str = "/", *, messages: list[Any] | None = None, send: Any = None) -> list[Any]:
    sent: list[Any] = []
    queue = list(messages if messages is not None else [{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:
        if not queue:
            await asyncio.Event().wait()
        return queue.pop(0)

    async def keep(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [],
    }
    scope["asgi"] = {"version": "3.0", "spec_version": "2.4"}
    await app(scope, receive, send or keep)
    return sent


async def test_a_client_that_leaves_before_the_answer_is_a_499(lines: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def complaining(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)
        raise RuntimeError("nobody there")

    configure_logging("json", QUIET_CLIENT)
    await call(AccessLog(app), messages=[{"type": "http.disconnect"}])
    with pytest.raises(RuntimeError):
        await call(AccessLog(complaining), messages=[{"type": "http.disconnect"}])
    assert [(line["status"], line["disconnected"], line["level"]) for line in lines()] == [(499, True, "info")] * 2


async def test_a_client_that_leaves_in_the_middle_is_marked(lines: Any) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 10

    count = 0

    async def send(message: Any) -> None:
        nonlocal count
        count += 1
        if count > 3:
            raise OSError("connection lost")

    configure_logging("json", QUIET_CLIENT)
    with pytest.raises(ClientDisconnect):
        await call(AccessLog(StreamingResponse(chunks())), send=send)
    (line,) = lines()
    assert line["disconnected"] is True


async def test_a_cancelled_request_is_marked(lines: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    configure_logging("json", QUIET_CLIENT)
    task = asyncio.create_task(call(AccessLog(app)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(line["status"], line["disconnected"]) for line in lines()] == [(499, True)]


async def test_a_client_that_leaves_after_the_answer_leaves_no_mark(lines: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        assert (await receive())["type"] == "http.disconnect"

    configure_logging("json", QUIET_CLIENT)
    await call(AccessLog(app), messages=[{"type": "http.disconnect"}])
    (line,) = lines()
    assert line["status"] == 204
    assert "disconnected" not in line


async def test_a_file_that_the_server_sends_is_a_complete_answer(lines: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.pathsend", "path": "/etc/hostname"})

    configure_logging("json", QUIET_CLIENT)
    await call(AccessLog(app))
    assert "disconnected" not in lines()[0]


async def test_probes_leave_no_line_also_behind_a_root_path(lines: Any) -> None:
    configure_logging("json", QUIET_CLIENT)
    app = AccessLog(service())
    await get(app, "/api/v1/sys/readiness")
    transport = httpx.ASGITransport(app=app, root_path="/shop")
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        await client.get("/shop/api/v1/sys/readiness")
    await get(AccessLog(service(), excluded_paths=("/internal",)), "/internal/reports/1")
    assert lines() == []


async def test_the_level_of_access_decides_what_is_told(lines: Any) -> None:
    app = AccessLog(service())
    configure_logging("json", {"access": "WARNING"} | QUIET_CLIENT)
    await get(app, "/api/v1/books/1")
    await get(app, "/api/v1/books/1/failing")
    configure_logging("json", {"access": "ERROR"} | QUIET_CLIENT)
    await get(app, "/api/v1/books/1/failing")
    assert [line["status"] for line in lines()] == [500]


async def test_hostile_and_secret_paths_are_escaped_redacted_and_cut(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", QUIET_CLIENT)
    register_secrets(["hunter2-canary"])
    app = AccessLog(service())
    await get(app, "/a%0a%7b%22level%22:%22critical%22%7d%1b%5b31m")
    await get(app, "/reset/hunter2-canary")
    await get(app, f"/{'x' * 50_000}")
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.isprintable()
    assert "canary" not in second
    assert "/reset/***" in second
    assert len(third) < 2_000


@pytest.mark.parametrize(
    ("bound", "told"),
    [
        ({"request_id": "r-1"}, {"request_id": "r-1"}),
        ({"request_id": "r-1", "load": 0.5, "who": ["a"]}, {"request_id": "r-1", "load": 0.5, "who": ["a"]}),
        ({"path": "not mine"}, {"path": "/api/v1/books/1"}),
        ({"level": "not mine"}, {"level": "info", "level_": "not mine"}),
        ({"user_token": "u-1"}, {"user_token": "***"}),
        ({"note": "hunter2-canary"}, {"note": "***"}),
        ({"ratio": float("nan")}, {"ratio": "nan"}),
        ({"long": "x" * 20_000}, {"long": "x" * 10_000 + "...<10000 more characters>"}),
    ],
    ids="-".join,
)
async def test_what_is_bound_around_a_request_comes_along(bound: Any, told: Any, lines: Any) -> None:
    configure_logging("json", QUIET_CLIENT)
    register_secrets(["hunter2-canary"])
    add_context_provider(lambda: {"trace_id": "t-1"})
    with bound_contextvars(**bound):
        await get(AccessLog(service()), "/api/v1/books/1")
    (line,) = lines()
    assert {key: line[key] for key in told} == told
    assert (line["trace_id"], line["status"]) == ("t-1", 200)


async def test_a_strange_scope_does_not_fail_the_request(lines: Any) -> None:
    configure_logging("json", QUIET_CLIENT)
    log_request({"type": "http", "method": None, "path": 7}, 200, 0.001)
    (line,) = lines()
    assert line["event"] == "access line could not be written"


def test_a_websocket_session_has_a_line_at_its_begin_and_one_at_its_end(lines: Any) -> None:
    configure_logging("json", QUIET_CLIENT)
    with TestClient(AccessLog(service())).websocket_connect("/ws/tea") as session:
        session.send_text("hello")
        session.receive_text()
        session.close()
    opened, closed = lines()
    assert (opened["event"], opened["route"], opened["path"]) == ("websocket opened", "/ws/{room}", "/ws/tea")
    assert (closed["event"], closed["code"], closed["level"]) == ("websocket closed", 1000, "info")
    assert closed["duration_ms"] > 0


def test_a_refused_websocket_has_one_line(lines: Any) -> None:
    configure_logging("json", QUIET_CLIENT)
    client = TestClient(AccessLog(service()))
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws/closed"):
        pass
    (line,) = lines()
    assert (line["event"], line["code"]) == ("websocket refused", 4003)


def test_a_websocket_whose_handler_raises_is_a_warning(lines: Any) -> None:
    configure_logging("json", QUIET_CLIENT)
    client = TestClient(AccessLog(service()))
    with pytest.raises(ValueError, match="broken"), client.websocket_connect("/ws/broken") as session:  # noqa: PT012
        session.send_text("hello")
        session.receive_text()
    assert [(line["event"], line["level"]) for line in lines()] == [
        ("websocket opened", "info"),
        ("websocket closed", "warning"),
    ]


def test_an_unrouted_scope_has_no_template() -> None:
    assert route_template({}) is None
    assert route_template({"route": object()}) is None
