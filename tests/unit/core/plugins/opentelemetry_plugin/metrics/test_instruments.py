"""Counters and histograms against OpenTelemetry's own."""

import sys
import threading
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics import LightInstruments
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.encoding import MetricEncoder
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.series import MOST_SERIES
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.recorder import Recorder
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.tracer import LightTracer, LightTracerProvider
from fastapi_factory_utilities.core.redaction import preserved_secrets, register_secrets

_RESOURCE = Resource({"service.name": "books"}, "https://schema.example/1")
_SCOPE = InstrumentationScope("ours", "1.0")
_BUCKETS = (0.1, 1.0, 10.0)


@pytest.fixture
def instruments() -> LightInstruments:
    return LightInstruments()


@pytest.fixture
def tracer() -> LightTracer:
    return LightTracerProvider(Recorder(_RESOURCE)).get_tracer("tests")


@pytest.fixture
def sdk() -> Iterator[tuple[MeterProvider, InMemoryMetricReader]]:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], _RESOURCE, shutdown_on_exit=False)
    yield provider, reader
    provider.shutdown()


def _request(instruments: LightInstruments) -> ExportMetricsServiceRequest:
    encoder = MetricEncoder(_RESOURCE, _SCOPE, instruments.started_at)
    request = ExportMetricsServiceRequest()
    request.ParseFromString(encoder.encode(instruments.measured(), 5))
    return request


def _without_times(metric: Metric) -> None:
    for point in [*metric.sum.data_points, *metric.histogram.data_points]:
        point.start_time_unix_nano = point.time_unix_nano = 0
        for exemplar in point.exemplars:
            exemplar.time_unix_nano = 0


def test_what_was_measured_decodes_to_what_the_sdk_would_have_sent(
    instruments: LightInstruments, tracer: LightTracer, sdk: tuple[MeterProvider, InMemoryMetricReader]
) -> None:
    meter = sdk[0].get_meter("ours", "1.0")
    orders = instruments.counter("orders", unit="{order}", description="Orders.")
    in_flight = instruments.up_down_counter("in_flight")
    their_orders = meter.create_counter("orders", "{order}", "Orders.")
    their_in_flight = meter.create_up_down_counter("in_flight", "1")
    for add in (orders.add, in_flight.add, their_orders.add, their_in_flight.add):
        add(2, {"shop": "a", "vip": True})
        add(3, {"vip": True, "shop": "a"})
        add(1.5, {"shop": "b"})
        add(0)
    for add in (in_flight.add, their_in_flight.add):
        add(-4, {"shop": "b"})
    ours = instruments.histogram("duration", buckets=_BUCKETS)
    theirs = meter.create_histogram("duration", "s", explicit_bucket_boundaries_advisory=_BUCKETS)
    with trace.use_span(tracer.start_span("x")):
        for histogram in (ours, theirs):
            histogram.record(0.1, {"route": "/"})
            histogram.record(3.0, {"route": "/"})
    for histogram in (ours, theirs):
        histogram.record(99.5, {"route": "/"})

    measured = sdk[1].get_metrics_data()
    assert measured is not None
    request, expected = _request(instruments), encode_metrics(measured)

    for each in (request, expected):
        for metric in each.resource_metrics[0].scope_metrics[0].metrics:
            _without_times(metric)
            for point in metric.histogram.data_points:
                found = sorted(point.exemplars, key=lambda exemplar: exemplar.as_double)
                del point.exemplars[:]
                point.exemplars.extend(found)
    assert request == expected


def test_threads_lose_no_value(instruments: LightInstruments) -> None:
    histogram, counter = instruments.histogram("h"), instruments.counter("c")

    def work(number: int) -> None:
        for turn in range(5_000):
            histogram.record(0.01, {"worker": turn % 3})
            counter.add(1, {"worker": (turn + number) % 3})

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    measured = {each.name: each for each in instruments.measured()}
    assert sum(sum(point.counts) for point in measured["h"].histograms) == 20_000
    assert sum(point.value for point in measured["c"].numbers) == 20_000


def test_too_many_series_become_one_that_says_so_and_memory_stays_bounded(instruments: LightInstruments) -> None:
    counter = instruments.counter("visits")
    for number in range(MOST_SERIES * 5):
        counter.add(1, {"user": number})
    points = instruments.measured()[0].numbers
    assert len(points) == MOST_SERIES + 1
    (rest,) = [point for point in points if "otel.metric.overflow" in point.attributes]
    assert rest.value == MOST_SERIES * 4
    assert len(counter._table.by_key) <= MOST_SERIES * 4


def test_a_name_is_one_instrument_whoever_asks_and_never_two_kinds(instruments: LightInstruments) -> None:
    assert instruments.counter("orders") is instruments.counter("orders")
    with pytest.raises(ValueError, match="'orders' is a counter already"):
        instruments.histogram("orders")
    with pytest.raises(ValueError, match="'orders' is a counter already"):
        instruments.up_down_counter("orders")
    with pytest.raises(ValueError, match="must rise"):
        instruments.histogram("sizes", buckets=[2, 1])


def test_a_counter_never_falls_and_what_nobody_measured_is_not_told(instruments: LightInstruments) -> None:
    instruments.histogram("silent")
    counter = instruments.counter("orders")
    counter.add(2)
    counter.add(-1)
    counter.add(float("nan"))
    assert [(each.name, each.numbers[0].value) for each in instruments.measured()] == [("orders", 2)]


def test_a_value_that_is_none_does_not_spoil_a_distribution(instruments: LightInstruments) -> None:
    histogram = instruments.histogram("duration", buckets=_BUCKETS)
    for value in (0.5, float("nan"), -1.0, 2.0):
        histogram.record(value)
    (point,) = instruments.measured()[0].histograms
    assert (point.counts, point.total, point.lowest, point.highest) == ((0, 1, 1, 0), 2.5, 0.5, 2.0)


def test_exemplars_are_of_recorded_traces_only(instruments: LightInstruments, tracer: LightTracer) -> None:
    histogram = instruments.histogram("duration", buckets=_BUCKETS)
    unsampled = trace.NonRecordingSpan(trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(0)))
    with trace.use_span(unsampled):
        histogram.record(0.05)
    sampled = tracer.start_span("x")
    with trace.use_span(sampled, end_on_exit=True):
        histogram.record(5)
    exemplars = instruments.measured()[0].histograms[0].exemplars
    assert [each and (each.value, each.span_id) for each in exemplars] == [
        None,
        None,
        (5, sampled.get_span_context().span_id),
        None,
    ]


def test_no_known_secret_becomes_an_attribute(instruments: LightInstruments) -> None:
    with preserved_secrets():
        register_secrets(["planted-secret-value"])
        instruments.counter("logins").add(1, {"token": "planted-secret-value", "all": ["planted-secret-value"]})
        assert "planted" not in str(_request(instruments))
