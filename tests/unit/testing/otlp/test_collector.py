"""The scripted collector, called by OpenTelemetry's own exporters and by hand."""

import gzip
import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import grpc  # type: ignore[import-untyped]  # it has no types
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from fastapi_factory_utilities.testing.otlp import OtlpCollector
from fastapi_factory_utilities.testing.telemetry import SpanCapture

RESOURCE = Resource({"service.name": "books", "service.instance.id": "one"})
TRACES = "/v1/traces"
PROTOBUF = {"Content-Type": "application/x-protobuf"}
GRPC_TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@pytest.fixture
def collector() -> Iterator[OtlpCollector]:
    with OtlpCollector() as collector:
        yield collector


def payload(name: str = "GET /") -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.name, span.kind, span.trace_id, span.span_id = name, 2, bytes(15) + b"\1", bytes(7) + b"\1"
    return bytes(request.SerializeToString())


def post(
    collector: OtlpCollector, body: bytes, path: str = TRACES, timeout: float = 5, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(collector.http_endpoint).netloc, timeout=timeout)
    try:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("POST", path, body, {**PROTOBUF, **more})
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def call(collector: OtlpCollector, body: bytes, timeout: float = 5) -> Any:
    with grpc.insecure_channel(urlsplit(collector.grpc_endpoint).netloc) as channel:
        return channel.unary_unary(GRPC_TRACES)(body, timeout=timeout)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_what_the_sdk_exports_arrives_as_it_was(collector: OtlpCollector, protocol: str) -> None:
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    exporter = (
        HttpSpanExporter(collector.http_endpoint + TRACES)
        if protocol == "http"
        else GrpcSpanExporter(collector.grpc_endpoint, insecure=True)
    )
    capture = SpanCapture()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("shelf")
    with tracer.start_as_current_span("GET /books", kind=SpanKind.SERVER) as parent:
        with tracer.start_as_current_span("find books", kind=SpanKind.CLIENT) as child:
            child.set_attributes({"text": "a", "yes": True, "count": 3, "ratio": 0.5, "list": ["a", "b"]})
            child.add_event("slow", {"ms": 12})
            child.add_link(parent.get_span_context(), {"why": "because"})
            child.set_status(Status(StatusCode.ERROR, "it broke"))
        capture.on_end(child)
    capture.on_end(parent)
    provider.shutdown()

    collector.assert_story("GET /books [kind=server] > find books [kind=client, status=error, yes=true, count=3]")
    collector.assert_no_orphans()
    found = collector.one("find books")
    assert found.attributes == {"text": "a", "yes": True, "count": 3, "ratio": 0.5, "list": ("a", "b")}
    assert (found.events[0].name, found.events[0].attributes) == ("slow", {"ms": 12})
    assert (found.links[0].span_id, found.links[0].attributes) == (found.parent_id, {"why": "because"})
    assert (found.status, found.status_description, found.scope) == ("error", "it broke", "shelf")
    assert found.resource == {"service.name": "books", "service.instance.id": "one"}
    assert found.parent_is_remote is False
    assert found == capture.one("find books")
    assert {(request.protocol, request.signal, request.status) for request in collector.requests} == {
        (protocol, "traces", 200)
    }


def test_metrics_arrive_as_they_were(collector: OtlpCollector) -> None:
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(collector.http_endpoint + "/v1/metrics"), 60_000)
    provider = MeterProvider([reader], resource=RESOURCE, shutdown_on_exit=False)
    meter = provider.get_meter("shelf")
    meter.create_counter("books.sold", "1", "How many.").add(2, {"shelf": "left"})
    meter.create_histogram("books.read", "s", explicit_bucket_boundaries_advisory=[1.0, 2.0]).record(1.5)
    meter.create_up_down_counter("books.lent").add(-1)
    provider.shutdown()

    sold, read = collector.metric("books.sold"), collector.metric("books.read")
    assert (sold.kind, sold.unit, sold.description) == ("sum", "1", "How many.")
    assert (sold.temporality, sold.monotonic, sold.scope) == ("cumulative", True, "shelf")
    assert sold.point(shelf="left").value == 2
    assert sold.resource["service.name"] == "books"
    (point,) = read.points
    assert (point.count, point.value, point.bounds, point.buckets) == (1, 1.5, (1.0, 2.0), (0, 1, 0))
    assert collector.metric("books.lent").points[0].value == -1
    with pytest.raises(AssertionError, match=r"0 points of books\.sold"):
        sold.point(shelf="right")
    with pytest.raises(AssertionError, match=r"no metric is called 'books'; there is: books\.lent"):
        collector.metric("books")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK's logs are on their way to another name
def test_log_lines_arrive_as_they_were(collector: OtlpCollector) -> None:
    from opentelemetry._logs import LogRecord, SeverityNumber  # noqa: PLC0415 - a name that is not promised
    from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415 - likewise
    from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor  # noqa: PLC0415 - likewise

    provider = LoggerProvider(RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(collector.http_endpoint + "/v1/logs")))
    provider.get_logger("shelf").emit(
        LogRecord(
            timestamp=5, severity_text="WARN", severity_number=SeverityNumber.WARN, body="dusty", attributes={"mm": 2}
        )
    )
    provider.shutdown()
    (entry,) = collector.logs
    assert (entry.body, entry.severity, entry.severity_number, entry.time_ns) == ("dusty", "WARN", 13, 5)
    assert (entry.attributes, entry.scope, entry.resource["service.name"]) == ({"mm": 2}, "shelf", "books")


def test_an_answer_lasts_for_as_many_requests_as_it_was_told(collector: OtlpCollector) -> None:
    collector.answer(429, retry_after_seconds=2, times=1)
    status, headers, _ = post(collector, payload())
    assert (status, headers["retry-after"]) == (429, "2")
    assert post(collector, payload())[0] == 200
    collector.answer(503)
    assert [post(collector, payload())[0] for _ in range(2)] == [503, 503]
    collector.heal()
    assert post(collector, payload())[0] == 200
    assert collector.span_count == 2
    assert [request.status for request in collector.requests] == [429, 200, 503, 503, 200]


def test_over_grpc_the_answers_mean_the_same(collector: OtlpCollector) -> None:
    collector.answer(429, retry_after_seconds=2, times=1)
    with pytest.raises(grpc.RpcError) as raised:
        call(collector, payload())
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    details = dict(raised.value.trailing_metadata())["grpc-status-details-bin"]
    assert b"google.rpc.RetryInfo" in details
    assert call(collector, payload()) == b""
    collector.answer(503)
    with pytest.raises(grpc.RpcError) as raised:
        call(collector, payload())
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert collector.span_count == 1


def test_who_hangs_is_released_by_the_next_order(collector: OtlpCollector) -> None:
    collector.hang()
    with pytest.raises(TimeoutError):
        post(collector, payload(), timeout=0.05)
    with pytest.raises(grpc.RpcError) as raised:
        call(collector, payload(), timeout=0.05)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(post, collector, payload())
        time.sleep(0.05)
        collector.heal()
        assert isinstance(hanging.exception(5), http.client.RemoteDisconnected)
    assert collector.span_count == 0


def test_slow_and_garbage_answers_are_given_to_what_is_kept(collector: OtlpCollector) -> None:
    collector.slow(0.05, times=1)
    began = time.monotonic()
    assert post(collector, payload())[0] == 200
    assert time.monotonic() - began >= 0.05
    collector.garbage()
    assert b"no OTLP" in post(collector, payload())[2]
    assert b"no OTLP" in call(collector, payload())
    assert collector.span_count == 3


def test_refused_connections_come_back_on_the_same_ports(collector: OtlpCollector) -> None:
    ports = collector.http_endpoint, collector.grpc_endpoint
    collector.refuse()
    with pytest.raises(ConnectionRefusedError):
        post(collector, payload())
    with pytest.raises(grpc.RpcError) as raised:
        call(collector, payload())
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    collector.heal()
    assert (collector.http_endpoint, collector.grpc_endpoint) == ports
    assert post(collector, payload())[0] == 200
    assert call(collector, payload()) == b""


def test_only_otlp_is_taken(collector: OtlpCollector) -> None:
    assert post(collector, gzip.compress(payload("zipped")), Content_Encoding="gzip")[0] == 200
    assert post(collector, b"zipped?", Content_Encoding="gzip")[0] == 400
    assert post(collector, b"\xff\xff\xff")[0] == 400
    assert post(collector, payload(), path="/v1/books")[0] == 404
    assert post(collector, b"{}", Content_Type="application/json")[0] == 415
    assert [span.name for span in collector.spans] == ["zipped"]


def test_what_came_outlives_the_collector() -> None:
    with OtlpCollector() as collector:
        post(collector, payload())
        with pytest.raises(RuntimeError, match="is running already"):
            collector.start()
    collector.close()
    assert collector.one("GET /").kind == 1
    with pytest.raises(RuntimeError, match="is not running"):
        collector.heal()
