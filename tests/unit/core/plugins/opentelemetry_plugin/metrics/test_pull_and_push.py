"""Metrics as a collector gets them and as Prometheus reads them."""

from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import MemorySpans, OpenTelemetryPlugin
from fastapi_factory_utilities.testing.conformance.stage import build
from fastapi_factory_utilities.testing.otlp import OtlpCollector
from fastapi_factory_utilities.testing.running import running_app

_OPENMETRICS = {"accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}


@pytest.fixture
def collector() -> Iterator[OtlpCollector]:
    with OtlpCollector() as collector:
        yield collector


async def test_metrics_are_pulled_as_openmetrics_with_exemplars_in_no_trace_and_no_access_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    spans = MemorySpans()
    section = {"exporter": "none", "meter_config": {"pull": True, "pull_path": "/internal/metrics"}}
    application = build([OpenTelemetryPlugin(sinks=[spans], environ={})], {"opentelemetry": section})
    telemetry = application.telemetry_slot.current
    async with running_app(application) as client:
        with telemetry.span("checkout"):
            telemetry.histogram("checkout.duration", description="How long.").record(0.3, {"shop": 'a "b"\n'})
            telemetry.counter("orders", unit="{order}").add(3, {"shop": "a"})
        telemetry.up_down_counter("queue.size", unit="By").add(-2)
        meter = telemetry.meter_provider.get_meter("theirs")
        meter.create_counter("theirs.calls").add(7, {"shop": "c"})
        meter.create_histogram("theirs.duration", "s").record(0.2)
        spans.clear()
        capsys.readouterr()

        answer = await client.get("/internal/metrics", headers=_OPENMETRICS)
        plain = await client.get("/internal/metrics")
        refused = await client.post("/internal/metrics")

        assert '"logger":"access"' not in capsys.readouterr().out
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    found = openmetrics_families(answer.text)  # type: ignore[no-untyped-call]  # prometheus_client's own
    families = {family.name: family for family in found}
    duration = families["checkout_duration_seconds"]
    (bucket,) = [sample for sample in duration.samples if sample.exemplar]
    assert (bucket.labels["le"], bucket.labels["shop"], bucket.exemplar.value) == ("0.5", 'a "b"\n', 0.3)
    assert len(bucket.exemplar.labels["trace_id"]) == 32
    assert next(each.value for each in families["orders"].samples if each.name == "orders_total") == 3
    assert families["queue_size_bytes"].type == "gauge"
    assert next(each.value for each in families["theirs_calls"].samples if each.name == "theirs_calls_total") == 7
    assert families["theirs_duration_seconds"].type == "histogram"
    assert families["target"].samples[0].labels["service_name"]
    assert plain.headers["content-type"].startswith("text/plain")
    assert {family.name for family in text_string_to_metric_families(plain.text)} >= {"orders", "queue_size_bytes"}
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    assert not spans.spans


async def test_metrics_cannot_be_pulled_unless_the_section_says_so() -> None:
    application = build([OpenTelemetryPlugin(environ={})], {"opentelemetry": {"exporter": "none"}})
    async with running_app(application) as client:
        assert (await client.get("/metrics")).status_code == httpx.codes.NOT_FOUND


@pytest.mark.parametrize("protocol", ["otlp_http", "otlp_grpc"])
async def test_ours_and_the_sdks_are_pushed_together_once_an_interval_and_at_the_stop(
    collector: OtlpCollector, protocol: str
) -> None:
    section = {
        "endpoint": collector.http_endpoint if protocol == "otlp_http" else collector.grpc_endpoint,
        "protocol": protocol,
        "meter_config": {"reader_interval_millis": 100},
    }
    application = build([OpenTelemetryPlugin(environ={})], {"opentelemetry": section})
    telemetry = application.telemetry_slot.current
    async with running_app(application):
        telemetry.counter("orders").add(3, {"shop": "a"})
        telemetry.meter_provider.get_meter("theirs").create_counter("calls").add(7)
        await collector.wait_for(lambda it: {"orders", "calls"} <= {metric.name for metric in it.metrics})
        first = next(request for request in collector.requests if request.signal == "metrics" and request.body)
        telemetry.counter("orders").add(1, {"shop": "a"})
    orders = collector.metric("orders")
    assert (orders.point(shop="a").value, orders.temporality, orders.monotonic) == (4, "cumulative", True)
    assert collector.metric("calls").point().value == 7
    assert first.body
    assert orders.resource["service.name"] == collector.metric("calls").resource["service.name"]
