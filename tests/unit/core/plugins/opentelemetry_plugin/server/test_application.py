"""Whole applications behind a real server."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.responses import StreamingResponse

from fastapi_factory_utilities.core.app import ApplicationAbstract
from fastapi_factory_utilities.core.logs import configure_logging, get_logger
from fastapi_factory_utilities.core.plugins import PluginAbstract
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import MemorySpans, OpenTelemetryPlugin
from fastapi_factory_utilities.testing.conformance.stage import build
from tests.integration.in_thread import serving

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADERS = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "X-Request-ID": "r-1"}


def library(*plugins: PluginAbstract[Any]) -> ApplicationAbstract[Any]:
    application = build(plugins, {"opentelemetry": {"exporter": "none"}} if plugins else {})
    app = application.get_asgi_app()

    async def read(book_id: int) -> int:
        get_logger("library").info("book read")
        return book_id

    async def endless() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0.01)

        return StreamingResponse(parts())

    app.get("/books/{book_id}")(read)
    app.get("/endless")(endless)
    return application


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the lines of requests: what the service said, and the access lines."""
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in found if line["logger"] in ("library", "access")]


def test_probes_have_no_span_and_every_line_of_a_request_says_which_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    memory = MemorySpans()
    application = library(OpenTelemetryPlugin(sinks=[memory], environ={}))
    configure_logging("json")
    with serving(application, lifespan="on") as url:
        for probe in ("liveness", "readiness", "health", "startup"):
            httpx.get(f"{url}/api/v1/sys/{probe}")
        answer = httpx.get(f"{url}/books/7?token=canary", headers=HEADERS)
        missing = httpx.get(f"{url}/books/x")

    span, failed = memory.spans
    assert [span.name, failed.name] == ["GET /books/{book_id}"] * 2
    assert (span.ids[0], answer.headers["x-request-id"]) == (TRACE, "r-1")
    assert missing.json()["trace_id"] == missing.headers["x-request-id"] == failed.ids[0]
    told = [(line["event"], line["request_id"], line["trace_id"], line["span_id"]) for line in lines(capsys)]
    assert told == [
        ("book read", "r-1", *span.ids),
        ("request", "r-1", *span.ids),
        ("request", failed.ids[0], *failed.ids),
    ]


def test_without_the_plugin_every_line_of_a_request_has_the_same_ids_but_for_the_span(
    capsys: pytest.CaptureFixture[str],
) -> None:
    application = library()
    configure_logging("json")
    with serving(application, lifespan="on") as url:
        answer = httpx.get(f"{url}/books/7", headers=HEADERS)

    assert answer.headers["x-request-id"] == "r-1"
    told = [(line["event"], line["request_id"], line["trace_id"], "span_id" in line) for line in lines(capsys)]
    assert told == [("book read", "r-1", TRACE, False), ("request", "r-1", TRACE, False)]


def test_a_client_that_leaves_a_stream_ends_its_span_at_once() -> None:
    memory = MemorySpans()
    application = library(OpenTelemetryPlugin(sinks=[memory], environ={}))
    with serving(application, lifespan="on") as url:
        with httpx.stream("GET", f"{url}/endless") as answer:
            next(answer.iter_raw())
        deadline = time.monotonic() + 10
        while not memory.spans and time.monotonic() < deadline:
            time.sleep(0.01)

        (span,) = memory.spans
        assert (span.attributes["error.type"], span.attributes["http.response.status_code"]) == (
            "client_disconnected",
            200,
        )
        assert span.status.is_ok or span.status.is_unset
