"""Every span that arrives has its parent beside it, whatever happens to the request meanwhile."""

import asyncio
import itertools
from collections import Counter
from collections.abc import MutableMapping
from typing import Any

from fastapi_factory_utilities.testing.otlp import OtlpCollector
from fastapi_factory_utilities.testing.running import lifespan
from fastapi_factory_utilities.testing.telemetry import SpanCapture
from tests.integration.telemetry.shop import Shop, build, telemetry_to

REQUESTS = 10_000
CALLERS = 50
CALLER = "00f067aa0ba902b7"

# The path, how many of a hundred requests are such, and how many spans each is.
MIX = {
    "/api/books/7": (10, 6),
    "/api/pages/7": (78, 3),
    "/api/shelves/7": (4, 2),
    "/api/stream": (4, 4),
    "/api/gone": (2, 3),  # its caller goes away during the second chunk
    "/api/broken": (1, 3),
    "/nowhere": (1, 1),
}
PATHS = [path for path, (share, _) in MIX.items() for _ in range(share)]


async def _ask(app: Shop, path: str, number: int, flags: str) -> None:
    """Make one request as a server hands it over; every third one goes on with its caller's trace."""
    headers = [(b"traceparent", f"00-{number + 1:032x}-{CALLER}-{flags}".encode())] if number % 3 == 0 else []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"shop"), *headers],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 80),
        "state": {},
    }

    received, gone = iter([{"type": "http.request", "body": b"", "more_body": False}]), asyncio.Event()

    async def receive() -> dict[str, Any]:
        if (message := next(received, None)) is not None:
            return message
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        if path == "/api/gone" and message["type"] == "http.response.body":
            gone.set()

    await app(scope, receive, send)


async def _ask_all(app: Shop, count: int, flags: str = "01") -> Counter[str]:
    """Make requests from many callers at once; returns how many spans each path made, by path."""
    numbers = itertools.count()
    asked: Counter[str] = Counter()

    async def caller() -> None:
        for number in numbers:
            if number >= count:
                return
            path = PATHS[number * 37 % len(PATHS)]
            asked[path] += 1
            await _ask(app, path, number, flags)

    async with asyncio.TaskGroup() as callers:
        for _ in range(CALLERS):
            callers.create_task(caller())
    return asked


async def test_no_span_of_ten_thousand_concurrent_requests_lost_its_parent(otlp_collector: OtlpCollector) -> None:
    roomy: dict[str, Any] = {
        "tracer_config": {"max_queue_size": 100_000, "max_export_batch_size": 2_000, "schedule_delay_millis": 50}
    }
    app = build(
        telemetry_to(otlp_collector, closing_timeout=20, compression="none", **roomy), server={"access_log": False}
    )
    async with lifespan(app):
        asked = await _ask_all(app, REQUESTS)
    assert otlp_collector.span_count == sum(count * MIX[path][1] for path, count in asked.items())
    spans = otlp_collector.spans
    assert len({span.span_id for span in spans}) == len(spans)
    assert len({span.trace_id for span in spans}) == REQUESTS
    otlp_collector.assert_no_orphans(callers=[CALLER])


async def test_what_is_kept_of_failed_traces_is_whole_and_nothing_else_is_kept(span_capture: SpanCapture) -> None:
    none_but_failed = {"sampling_ratio": 0.0, "keep": {"errors": True}}
    app = build({"exporter": "none", "tracer_config": none_but_failed}, sinks=[span_capture])
    async with lifespan(app):
        asked = await _ask_all(app, 1_000, flags="00")
    broken = [span for span in span_capture.spans if span.name == "GET /api/broken"]
    assert len(broken) == asked["/api/broken"] == 10
    assert span_capture.span_count == 10 * MIX["/api/broken"][1]
    span_capture.assert_no_orphans(callers=[CALLER])
