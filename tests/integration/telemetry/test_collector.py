"""What a collector gets of a served application: exactly what is promised, over HTTP and over gRPC."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from fastapi_factory_utilities.core.telemetry import SpanKind
from fastapi_factory_utilities.testing.otlp import MetricRecord, OtlpCollector
from fastapi_factory_utilities.testing.telemetry import SpanRecord
from tests.integration.telemetry.shop import build, served, telemetry_to

TRACE_ID, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
DURATION, ACTIVE = "http.server.request.duration", "http.server.active_requests"
# https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#metric-httpserverrequestduration
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

STORY = """
    (GET /api/books/{number} [kind=server, http.response.status_code=200]
        > (price > discount); (price > discount); weigh);
    (GET /api/shelves/{number} > weigh);
    (POST /api/orders [http.response.status_code=201] > mail);
    (GET /api/stream > chunk; chunk; chunk);
    GET [http.response.status_code=404];
    (GET /api/talk [kind=server, url.scheme=ws, http.response.status_code=101] > answer)
"""


@pytest.mark.parametrize("protocol", ["http", "grpc"])
async def test_exactly_the_promised_arrives(otlp_collector: OtlpCollector, protocol: str) -> None:
    app = build(telemetry_to(otlp_collector, protocol, logs_config={"exporter": "otlp"}))
    async with served(app) as client:
        for path in ("books/7", "shelves/7"):
            assert (await client.get(f"/api/{path}")).status_code == 200
        assert (await client.post("/api/orders", json={"title": "Dune"})).status_code == 201
        assert (await client.get("/api/stream")).text == "chunkchunkchunk"
        assert (await client.get("/api/nowhere")).status_code == 404
        async with connect(str(client.base_url.copy_with(scheme="ws", path="/api/talk"))) as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"
        for probe in ("health", "liveness", "readiness", "startup"):
            assert (await client.get(f"/api/v1/sys/{probe}")).status_code == 200
        await otlp_collector.story(STORY, in_any_order=True)
        assert otlp_collector.metrics == []  # they come at their interval, and at the end

    otlp_collector.assert_story(STORY, in_any_order=True)
    otlp_collector.assert_no_orphans()
    assert {request.protocol for request in otlp_collector.requests} == {protocol}
    assert {request.status for request in otlp_collector.requests} == {200}

    for span in otlp_collector.spans:
        _assert_is_the_shop(span.resource)
        assert span.end_ns >= span.start_ns > 0
    assert {metric.name for metric in otlp_collector.metrics} == {DURATION, ACTIVE}
    for metric in otlp_collector.metrics:
        _assert_is_the_shop(metric.resource)
    _assert_duration(otlp_collector.metric(DURATION))
    active = otlp_collector.metric(ACTIVE)
    assert (active.kind, active.monotonic, active.unit) == ("sum", False, "{request}")
    assert {(point.attributes["http.request.method"], point.value) for point in active.points} == {
        ("GET", 0),
        ("POST", 0),
    }

    ordered = otlp_collector.one("POST /api/orders")
    lines = {line.body: line for line in otlp_collector.logs if line.trace_id == ordered.trace_id}
    assert set(lines) == {"ordered", "request"}  # what the handler says, and the access log
    assert (lines["ordered"].severity, lines["ordered"].attributes["count"]) == ("INFO", 1)
    for line in lines.values():
        assert line.span_id == ordered.span_id
        assert line.time_ns >= ordered.start_ns - 1_000_000  # lines have milliseconds
        _assert_is_the_shop(line.resource)
    (example,) = otlp_collector.metric(DURATION).point(http__route="/api/orders").exemplars
    assert (example.trace_id, example.span_id) == (ordered.trace_id, ordered.span_id)


def _assert_is_the_shop(resource: Mapping[str, Any]) -> None:
    promised = {
        "service.namespace": "library",
        "service.name": "shop",
        "service.version": "1.2.3",
        "deployment.environment.name": "production",
        "telemetry.sdk.language": "python",
    }
    assert promised.items() <= resource.items()
    assert resource["service.instance.id"]
    assert resource["telemetry.sdk.name"]
    assert resource["telemetry.sdk.version"]


def _assert_duration(duration: MetricRecord) -> None:
    assert (duration.kind, duration.unit, duration.temporality) == ("histogram", "s", "cumulative")
    read = duration.point(http__route="/api/books/{number}")
    assert read.attributes == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/api/books/{number}",
        "network.protocol.version": "1.1",
        "url.scheme": "http",
    }
    assert (read.count, read.bounds, sum(read.buckets)) == (1, BUCKETS, 1)
    assert 0 < read.value < 10
    assert sum(point.count for point in duration.points) == 5
    assert "http.route" not in duration.point(http__response__status_code=404).attributes


def _get(path: str, **headers: str) -> Callable[[httpx.AsyncClient], httpx.Request]:
    return lambda client: client.build_request("GET", path, headers=headers)


def _request(method: str, path: str, **more: Any) -> Callable[[httpx.AsyncClient], httpx.Request]:
    return lambda client: client.build_request(method, path, **more)


# https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server: what is required, and what is as soon as it
# applies. Each with the name, the attributes beyond those of every request, and whether the span failed.
CASES: dict[str, tuple[Callable[[httpx.AsyncClient], httpx.Request], str, dict[str, Any], bool]] = {
    "a route": (
        _get("/api/books/7"),
        "GET /api/books/{number}",
        {
            "http.response.status_code": 200,
            "http.route": "/api/books/{number}",
            "url.path": "/api/books/7",
        },
        False,
    ),
    "a query": (
        _get("/api/refused?page=2"),
        "GET /api/refused",
        {
            "error.type": "fastapi.exceptions.HTTPException",
            "http.response.status_code": 503,
            "http.route": "/api/refused",
            "url.path": "/api/refused",
            "url.query": "page=REDACTED",
        },
        True,
    ),
    "no route": (
        _get("/nowhere"),
        "GET",
        {"http.response.status_code": 404, "url.path": "/nowhere"},
        False,
    ),
    "an invalid request": (
        _request("POST", "/api/orders", json={"count": 1}),
        "POST /api/orders",
        {
            "http.request.method": "POST",
            "http.response.status_code": 422,
            "http.route": "/api/orders",
            "url.path": "/api/orders",
        },
        False,
    ),
    "an error": (
        _get("/api/broken"),
        "GET /api/broken",
        {
            "error.type": "LookupError",
            "http.response.status_code": 500,
            "http.route": "/api/broken",
            "url.path": "/api/broken",
        },
        True,
    ),
    "a method that the route has not": (
        _request("DELETE", "/api/books/7"),
        "DELETE /api/books/{number}",
        {
            "http.request.method": "DELETE",
            "http.response.status_code": 405,
            "http.route": "/api/books/{number}",
            "url.path": "/api/books/7",
        },
        False,
    ),
    "a method that is none of HTTP's": (
        _request("PROPFIND", "/nowhere"),
        "HTTP",
        {
            "http.request.method": "_OTHER",
            "http.request.method_original": "PROPFIND",
            "http.response.status_code": 404,
            "url.path": "/nowhere",
        },
        False,
    ),
}


async def test_every_attribute_of_the_conventions_is_there_when_it_applies(otlp_collector: OtlpCollector) -> None:
    async with served(build(telemetry_to(otlp_collector))) as client:
        for number, (make, _, _, _) in enumerate(CASES.values(), 1):
            request = make(client)
            request.headers["traceparent"] = f"00-{number:032x}-{CALLER}-01"
            await client.send(request)
        await otlp_collector.wait_for(lambda got: len(_servers(got)) == len(CASES))
    found = {int(span.trace_id, 16): span for span in _servers(otlp_collector)}
    for number, (case, (_, name, attributes, failed)) in enumerate(CASES.items(), 1):
        span = found[number]
        always = {
            "client.address": "127.0.0.1",
            "http.request.method": "GET",
            "network.peer.address": "127.0.0.1",
            "network.peer.port": span.attributes.get("network.peer.port"),
            "network.protocol.version": "1.1",
            "server.address": "127.0.0.1",
            "server.port": client.base_url.port,
            "url.scheme": "http",
            "user_agent.original": client.headers["User-Agent"],
        }
        assert (case, span.name, dict(span.attributes)) == (case, name, always | attributes)
        assert isinstance(span.attributes["network.peer.port"], int)
        assert (case, span.status) == (case, "error" if failed else "unset")
        assert (span.parent_id, span.parent_is_remote) == (CALLER, True)
    broken = found[list(CASES).index("an error") + 1]
    assert [event.name for event in broken.events] == ["exception"]
    assert broken.events[0].attributes["exception.type"] == "LookupError"


def _servers(collector: OtlpCollector) -> list[SpanRecord]:
    return [span for span in collector.spans if span.kind is SpanKind.SERVER]


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": f"00-{TRACE_ID}-{CALLER}-01"},
        {"b3": f"{TRACE_ID}-{CALLER}-1"},
        {"X-B3-TraceId": TRACE_ID, "X-B3-SpanId": CALLER, "X-B3-Sampled": "1"},
    ],
)
async def test_a_trace_goes_on_where_the_caller_left_it(otlp_collector: OtlpCollector, headers: dict[str, str]) -> None:
    async with served(build(telemetry_to(otlp_collector))) as client:
        await client.get("/api/shelves/7", headers=headers)
        await client.get("/api/shelves/7", headers={"traceparent": f"00-{TRACE_ID}-{CALLER}-00"})
    otlp_collector.assert_story("GET /api/shelves/* > weigh")  # the second one's caller did not want it
    otlp_collector.assert_no_orphans(callers=[CALLER])
    assert {span.trace_id for span in otlp_collector.spans} == {TRACE_ID}


async def test_a_sampled_share_arrives_whole_and_the_rest_not_at_all(otlp_collector: OtlpCollector) -> None:
    half = {"sampling_ratio": 0.5, "schedule_delay_millis": 10}
    async with served(build(telemetry_to(otlp_collector, tracer_config=half))) as client:
        for _ in range(60):
            await client.get("/api/shelves/7")
    servers = len(_servers(otlp_collector))
    assert 5 <= servers <= 55  # with a ratio of one half, less likely than one in 10^11 to be outside
    assert otlp_collector.span_count == 2 * servers
    otlp_collector.assert_no_orphans()
    assert otlp_collector.metric(DURATION).points[0].count == 60
