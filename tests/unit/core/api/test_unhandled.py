"""What nobody foresaw: one 500, one line in the log, nothing for the server to add."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import pytest
from fastapi import BackgroundTasks, FastAPI, HTTPException, Request, WebSocket
from pydantic import BaseModel
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from fastapi_factory_utilities.core.api import create_fastapi
from fastapi_factory_utilities.core.exceptions import BackendUnavailableError

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}

Events = list[MutableMapping[str, Any]]


async def exchange(app: FastAPI, path: str = "/", kind: str = "http", **extra: Any) -> list[Any]:
    """Serve one connection as a plain server would, and return what was sent."""
    sent: list[Any] = []

    messages = iter([{"type": "http.request" if kind == "http" else "websocket.connect"}])

    async def receive() -> dict[str, Any]:
        for message in messages:
            return message
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": kind, "method": "GET", "path": path, "raw_path": b"", "query_string": b"", "headers": []}
    scope |= {"scheme": "http", "root_path": "", "server": ("test", 80), "subprotocols": [], **extra}
    await app(scope, receive, send)
    return sent


def test_it_is_answered_without_internals_and_logged_once_with_the_same_trace_id(
    app: FastAPI, client: TestClient, events: Events
) -> None:
    error = ValueError("pa55word")

    @app.get("/books/{book_id}")
    async def fail(book_id: int) -> None:
        raise error

    response = client.get("/books/7", headers=TRACEPARENT)

    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["trace_id"] == TRACE
    assert "pa55word" not in response.text
    assert "ValueError" not in response.text
    assert events == [
        {
            "event": "unhandled exception",
            "log_level": "error",
            "method": "GET",
            "path": "/books/7",
            "route": "/books/{book_id}",
            "trace_id": TRACE,
            "exc_info": error,
        }
    ]


async def test_the_server_never_sees_the_exception(app: FastAPI, events: Events) -> None:
    app.get("/")(failing)

    start, body = await exchange(app)

    assert start["status"] == 500
    assert body["type"] == "http.response.body"
    assert len(events) == 1


def test_debug_puts_no_traceback_into_the_answer() -> None:
    app = create_fastapi(title="Library", version="1", debug=True)
    app.get("/")(failing)

    response = TestClient(app, raise_server_exceptions=False).get("/")

    assert response.headers["content-type"] == "application/problem+json"
    assert "pa55word" not in response.text


def test_a_test_client_that_wants_the_exception_gets_it(app: FastAPI) -> None:
    app.get("/")(failing)

    with pytest.raises(ValueError, match="pa55word"):
        TestClient(app).get("/")


async def test_a_response_that_has_begun_is_left_incomplete(app: FastAPI, events: Events) -> None:
    @app.get("/")
    async def fail() -> Response:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"half"
            raise ValueError

        return StreamingResponse(chunks())

    sent = await exchange(app)

    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 200
    assert sent[1]["more_body"] is True
    assert [event["event"] for event in events] == ["unhandled exception"]


async def test_a_background_task_that_fails_costs_nobody_the_answer(app: FastAPI, events: Events) -> None:
    @app.get("/")
    async def answer(tasks: BackgroundTasks) -> int:
        tasks.add_task(failing)
        return 1

    start, _ = await exchange(app)

    assert start["status"] == 200
    assert [event["event"] for event in events] == ["unhandled exception"]


def test_an_author_s_own_handler_writes_the_answer_and_the_log_line_stays(
    app: FastAPI, client: TestClient, events: Events
) -> None:
    app.add_exception_handler(Exception, lambda request, error: PlainTextResponse(f"oops {request.url.path}", 500))
    app.get("/")(failing)

    response = client.get("/")

    assert response.text == "oops /"
    assert [event["event"] for event in events] == ["unhandled exception"]


def test_a_handler_that_fails_itself_does_not_cost_the_answer(app: FastAPI, client: TestClient, events: Events) -> None:
    async def handle(_: Request, __: Exception) -> Response:
        raise KeyError

    app.add_exception_handler(500, handle)
    app.get("/")(failing)

    assert client.get("/").headers["content-type"] == "application/problem+json"
    assert [type(event["exc_info"]) for event in events] == [ValueError, KeyError]


@pytest.mark.parametrize(
    ("error", "status"),
    [(HTTPException(403, "Not yours."), 403), (BackendUnavailableError(), 503), (ClientDisconnect(), 400)],
)
def test_an_error_with_a_meaning_keeps_it_when_middleware_raises_it(
    app: FastAPI, client: TestClient, error: Exception, status: int
) -> None:
    @app.middleware("http")
    async def fail(_: Request, __: Callable[[Request], Awaitable[Response]]) -> Response:
        raise error

    response = client.get("/")

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


class Public(BaseModel):
    pages: int


def test_an_answer_that_does_not_fit_its_model_is_told_nowhere(
    app: FastAPI, client: TestClient, events: Events
) -> None:
    @app.get("/", response_model=Public)
    async def leak() -> dict[str, str]:
        return {"pages": "pa55word"}

    response = client.get("/")

    assert response.status_code == 500
    assert "pa55word" not in response.text
    (event,) = events
    assert "pa55word" not in str(event["exc_info"])
    assert "pages" in str(event["exc_info"])
    assert event["exc_info"].__traceback__ is not None


async def test_cancellation_passes_through(app: FastAPI, events: Events) -> None:
    begun = asyncio.Event()

    @app.get("/")
    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(exchange(app))
    await begun.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert events == []


@pytest.mark.parametrize("error", [SystemExit(3), BaseExceptionGroup("", [asyncio.CancelledError(), ValueError()])])
async def test_what_is_no_error_of_the_request_passes_through(
    app: FastAPI, events: Events, error: BaseException
) -> None:
    @app.get("/")
    async def fail() -> None:
        raise error

    with pytest.raises(type(error)):
        await exchange(app)
    assert events == []


class TestWebSocket:
    def test_before_it_is_open_it_is_refused_with_a_500(self, app: FastAPI, client: TestClient, events: Events) -> None:
        app.websocket("/ws")(failing_websocket)

        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/ws", headers=TRACEPARENT):
            pass

        assert refused.value.status_code == 500
        assert refused.value.json()["trace_id"] == TRACE
        assert [(event["event"], event["method"]) for event in events] == [("unhandled exception", "WEBSOCKET")]

    async def test_a_server_that_cannot_refuse_with_words_closes(self, app: FastAPI, events: Events) -> None:
        app.websocket("/ws")(failing_websocket)

        (close,) = await exchange(app, "/ws", "websocket")

        assert (close["type"], close["code"]) == ("websocket.close", 1011)

    def test_an_open_one_is_closed_with_1011(self, app: FastAPI, client: TestClient, events: Events) -> None:
        @app.websocket("/ws")
        async def ws(websocket: WebSocket) -> None:
            await websocket.accept()
            raise ValueError("pa55word")

        with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/ws") as connection:
            connection.receive_text()

        assert closed.value.code == 1011
        assert "pa55word" not in (closed.value.reason or "")
        assert len(events) == 1

    def test_a_peer_that_leaves_is_no_error(self, app: FastAPI, client: TestClient, events: Events) -> None:
        @app.websocket("/ws")
        async def ws(websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.receive_text()

        with client.websocket_connect("/ws"):
            pass

        assert events == []

    @pytest.mark.parametrize("fails", [False, True])
    async def test_a_peer_that_left_a_moment_before_it_was_told_something_is_no_error(
        self, app: FastAPI, events: Events, fails: bool
    ) -> None:
        left: list[WebSocketDisconnect] = []

        @app.websocket("/ws")
        async def ws(websocket: WebSocket) -> None:
            await websocket.accept()
            if fails:
                raise ValueError("before it knew")
            try:
                await websocket.send_text("hello")
            except WebSocketDisconnect as error:
                left.append(error)
                raise

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] != "websocket.accept":  # what uvicorn says then
                raise RuntimeError("Unexpected ASGI message, after sending 'websocket.close'.")

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        scope = {"type": "websocket", "path": "/ws", "raw_path": b"", "query_string": b"", "headers": []}
        await app({**scope, "scheme": "ws", "root_path": "", "subprotocols": []}, receive, send)

        assert [event["event"] for event in events] == ["unhandled exception"] * fails
        assert [error.code for error in left] == [1006] * (not fails)

    async def test_one_that_was_closed_already_is_left_alone(self, app: FastAPI, events: Events) -> None:
        @app.websocket("/ws")
        async def ws(websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.close()
            raise ValueError

        sent = await exchange(app, "/ws", "websocket")

        assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
        assert len(events) == 1


async def failing() -> None:
    raise ValueError("pa55word")


async def failing_websocket(websocket: WebSocket) -> None:
    raise ValueError("pa55word")
