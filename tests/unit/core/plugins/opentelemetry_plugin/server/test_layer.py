"""What is recorded of a request."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException
from opentelemetry import baggage
from opentelemetry.trace import StatusCode
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastapi_factory_utilities.core.api import create_fastapi
from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.telemetry import SpanKind
from tests.unit.core.plugins.opentelemetry_plugin.server.recorded import Recorded, exchange

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def library(recorded: Recorded) -> FastAPI:
    """A service with one of everything."""
    app = create_fastapi(title="Library", version="1")
    books = APIRouter(prefix="/books")
    inner = create_fastapi(title="Inner", version="1")

    async def read(book_id: int) -> int:
        recorded.telemetry.current().set_attribute("book.id", book_id)
        with recorded.telemetry.span("look", SpanKind.CLIENT):
            return book_id

    async def refuse(status: int) -> None:
        raise HTTPException(status)

    async def fail() -> None:
        raise ZeroDivisionError("no secret")

    async def no_backend() -> None:
        raise BackendUnavailableError("MongoDB does not answer")

    async def later(tasks: BackgroundTasks) -> str:
        async def work() -> None:
            await asyncio.sleep(0.02)
            with recorded.telemetry.span("work"):
                pass

        tasks.add_task(work)
        return "ok"

    async def stream(*, broken: bool = False) -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"a"
            await asyncio.sleep(0.02)
            if broken:
                raise ConnectionError("lost")
            yield b"b"

        return StreamingResponse(parts())

    books.get("/{book_id}")(read)
    inner.get("/items/{item_id}")(lambda item_id: item_id)
    app.include_router(books, prefix="/api")
    app.get("/refuse/{status}")(refuse)
    app.get("/fail")(fail)
    app.get("/no-backend")(no_backend)
    app.get("/later")(later)
    app.get("/stream")(stream)
    app.mount("/inner", inner)
    return app


@pytest.fixture
def served(recorded: Recorded) -> ASGIApp:
    return recorded.layer(library(recorded))


async def test_a_request_has_one_span_with_all_that_the_conventions_want_and_one_duration(
    recorded: Recorded, served: ASGIApp
) -> None:
    await exchange(served, "/api/books/7?q=tolkien&plain", [(b"user-agent", b"curl/8")])

    span, child = recorded.span, recorded.spans[0]
    common = {
        "http.request.method": "GET",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "http.route": "/api/books/{book_id}",
        "http.response.status_code": 200,
    }
    assert (span.name, span.kind_number, span.status.status_code) == (
        "GET /api/books/{book_id}",
        SpanKind.SERVER,
        StatusCode.UNSET,
    )
    assert span.attributes == {
        **common,
        "url.path": "/api/books/7",
        "url.query": "q=REDACTED&REDACTED",
        "server.address": "library.test",
        "server.port": 8080,
        "client.address": "192.0.2.7",
        "network.peer.address": "192.0.2.7",
        "network.peer.port": 5000,
        "user_agent.original": "curl/8",
        "book.id": 7,
    }
    assert (child.name, child.parent_id) == ("look", span.span_id)
    assert recorded.durations() == {frozenset(common.items()): 1}
    assert recorded.active() == 0


@pytest.mark.parametrize(
    ("path", "extra", "name", "route"),
    [
        ("/inner/items/3", {}, "GET /inner/items/{item_id}", "/inner/items/{item_id}"),
        ("/nowhere", {}, "GET", None),
        ("/inner/nowhere", {}, "GET", None),
        ("/api/books/7", {"method": "PURGE"}, "HTTP /api/books/{book_id}", "/api/books/{book_id}"),
        ("/shown/api/books/7", {"root_path": "/shown"}, "GET /api/books/{book_id}", "/api/books/{book_id}"),
    ],
)
async def test_a_span_is_named_by_method_and_template_and_never_by_the_path(
    recorded: Recorded, served: ASGIApp, path: str, extra: Any, name: str, route: str | None
) -> None:
    await exchange(served, path, **extra)

    attributes = recorded.span.attributes
    assert (recorded.span.name, attributes.get("http.route")) == (name, route)
    assert attributes.get("http.request.method_original") == ("PURGE" if "method" in extra else None)
    assert attributes["http.request.method"] == ("_OTHER" if "method" in extra else "GET")


@pytest.mark.parametrize(
    ("path", "status", "error_type", "failed", "told"),
    [
        ("/refuse/404", 404, None, False, []),
        ("/api/books/x", 422, None, False, []),
        ("/refuse/500", 500, "fastapi.exceptions.HTTPException", True, ["fastapi.exceptions.HTTPException"]),
        ("/fail", 500, "ZeroDivisionError", True, ["ZeroDivisionError"]),
        ("/no-backend", 503, f"{BackendUnavailableError.__module__}.BackendUnavailableError", True, []),
        ("/stream?broken=1", 200, "ConnectionError", True, ["ConnectionError"]),
    ],
)
async def test_only_what_the_service_failed_is_an_error_and_its_exception_is_told(
    recorded: Recorded, served: ASGIApp, path: str, status: int, error_type: str | None, failed: bool, told: list[str]
) -> None:
    await exchange(served, path)

    span = recorded.span
    assert (span.attributes["http.response.status_code"], span.attributes.get("error.type")) == (status, error_type)
    assert span.status.status_code is (StatusCode.ERROR if failed else StatusCode.UNSET)
    assert [event.attributes["exception.type"] for event in span.events] == told
    ((measured, count),) = recorded.durations().items()
    assert (dict(measured).get("error.type"), count, recorded.active()) == (error_type, 1, 0)


async def test_a_5xx_without_an_exception_has_its_status_as_error_type(recorded: Recorded) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 502, "headers": []})
        await send({"type": "http.response.body"})

    await exchange(recorded.layer(app))

    assert (recorded.span.attributes["error.type"], recorded.span.status.status_code) == ("502", StatusCode.ERROR)


async def test_a_span_ends_with_the_last_octet_and_background_tasks_are_below_it(
    recorded: Recorded, served: ASGIApp
) -> None:
    await exchange(served, "/later")

    work = next(span for span in recorded.spans if span.name == "work")
    assert work.parent_id == recorded.span.span_id
    assert recorded.span.end_time is not None
    assert recorded.span.end_time < work.start_time - 10_000_000


async def test_a_stream_lasts_until_its_last_part(recorded: Recorded, served: ASGIApp) -> None:
    await exchange(served, "/stream")

    assert recorded.span.end_time is not None
    assert recorded.span.end_time - recorded.span.start_time >= 20_000_000


async def test_a_span_ends_when_the_last_octet_was_taken_and_not_before(recorded: Recorded) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"much"})

    async def slow_client(scope: Scope, receive: Receive, send: Send) -> None:
        async def slow(message: Message) -> None:
            await asyncio.sleep(0.02 if "body" in message else 0)
            await send(message)

        await recorded.layer(app)(scope, receive, slow)

    await exchange(slow_client)

    assert recorded.span.end_time is not None
    assert recorded.span.end_time - recorded.span.start_time >= 20_000_000


class ClientDisconnected(OSError):  # noqa: N818 - it is known by this name
    """What uvicorn raises when there is nobody left to send to."""


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("raised", [None, ClientDisconnected()])
async def test_a_client_that_leaves_is_no_failure_of_the_service(
    recorded: Recorded, begun: bool, raised: Exception | None
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
        if raised is not None:
            raise raised

    try:
        await exchange(recorded.layer(app))
    except ClientDisconnected:
        assert raised is not None

    span = recorded.span
    assert (span.attributes["error.type"], span.status.status_code) == ("client_disconnected", StatusCode.UNSET)
    assert span.attributes.get("http.response.status_code") == (200 if begun else None)
    assert (list(recorded.durations().values()), recorded.active()) == ([1], 0)


@pytest.mark.parametrize(
    ("error", "error_type", "status"),
    [
        (ValueError("x"), "ValueError", StatusCode.ERROR),
        (asyncio.CancelledError(), "cancelled", StatusCode.UNSET),
    ],
)
async def test_what_an_application_raises_passes_through_and_ends_the_span(
    recorded: Recorded, error: BaseException, error_type: str, status: StatusCode
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    with pytest.raises(type(error)):
        await exchange(recorded.layer(app))

    assert (recorded.span.attributes["error.type"], recorded.span.status.status_code) == (error_type, status)
    assert (recorded.active(), recorded.telemetry.ids()) == (0, None)


@pytest.mark.parametrize(
    "headers",
    [
        [(b"traceparent", f"00-{TRACE}-{PARENT}-01".encode())],
        [(b"b3", f"{TRACE}-{PARENT}-1".encode())],
        [(b"x-b3-traceid", TRACE.encode()), (b"x-b3-spanid", PARENT.encode()), (b"x-b3-sampled", b"1")],
    ],
)
async def test_a_trace_goes_on_and_error_answers_name_it(recorded: Recorded, served: ASGIApp, headers: Any) -> None:
    start, body = await exchange(served, "/fail", headers)

    span = recorded.span
    assert (span.ids[0], f"{span.parent_id:016x}", span.parent_is_remote) == (TRACE, PARENT, True)
    assert f'"trace_id":"{TRACE}"'.encode() in body["body"]
    assert (b"x-request-id", TRACE.encode()) in start["headers"]


async def test_without_a_parent_an_error_answer_names_the_new_trace(recorded: Recorded, served: ASGIApp) -> None:
    _, body = await exchange(served, "/fail")

    assert f'"trace_id":"{recorded.span.ids[0]}"'.encode() in body["body"]


async def test_a_trace_that_is_not_sampled_costs_no_span_and_is_measured_all_the_same(
    recorded: Recorded, served: ASGIApp
) -> None:
    await exchange(served, "/api/books/7", [(b"traceparent", f"00-{TRACE}-{PARENT}-00".encode())])

    assert recorded.spans == ()
    assert list(recorded.durations().values()) == [1]


async def test_baggage_is_there_while_the_request_is_served_and_gone_afterwards(recorded: Recorded) -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(baggage.get_baggage("tenant"))

    await exchange(recorded.layer(app), headers=[(b"baggage", b"tenant=a%20b")])

    assert (seen, baggage.get_all()) == (["a b"], {})


async def test_an_excluded_request_and_what_is_below_it_leave_nothing_but_the_trace_id(recorded: Recorded) -> None:
    app = recorded.layer(library(recorded), excluded_urls=["^/api/", "^/fail$"])
    parent = [(b"traceparent", f"00-{TRACE}-{PARENT}-01".encode())]

    await exchange(app, "/api/books/7", parent)
    _, body = await exchange(app, "/fail", parent)
    await exchange(app, "/not-excluded")

    assert [span.name for span in recorded.spans] == ["GET"]
    assert list(recorded.durations().values()) == [1]
    assert f'"trace_id":"{TRACE}"'.encode() in body["body"]


async def test_a_file_that_the_server_sends_by_itself_ends_the_span(recorded: Recorded) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.pathsend", "path": "/somewhere"})

    await exchange(recorded.layer(app), extensions={"http.response.pathsend": {}})

    assert recorded.span.attributes.get("error.type") is None


async def test_methods_that_somebody_makes_up_are_no_series_and_not_remembered(recorded: Recorded) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        message: Message = {"type": "http.response.start", "status": 405, "headers": []}
        await send(message)
        await send({"type": "http.response.body"})

    layer = recorded.layer(app)
    for number in range(5000):
        await exchange(layer, method=f"M{number}")

    assert list(recorded.durations().values()) == [5000]
    assert (layer._answers._known, layer._kinds) == ({}, {})
