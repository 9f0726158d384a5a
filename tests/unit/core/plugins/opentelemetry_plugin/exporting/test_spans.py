"""Our encoding against OpenTelemetry's own."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common._internal import _encode_attributes  # the reference has no public name
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.spans import SpanEncoder
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.values import AttributeEncoder
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.wire import fields, varint
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.attributes import Limits, SharedAttributes
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.recorder import Recorder
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.sinks import MemorySpans
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.span import LightSpan
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.tracer import LightTracerProvider
from tests.unit.core.plugins.opentelemetry_plugin.exporting.exported import RESOURCE

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
_NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.booleans()
_VALUES = _TEXTS | _NUMBERS | st.binary(max_size=40) | st.lists(_TEXTS | _NUMBERS, max_size=5)


@pytest.fixture
def spans() -> MemorySpans:
    return MemorySpans()


@pytest.fixture
def provider(spans: MemorySpans) -> LightTracerProvider:
    recorder = Recorder(RESOURCE, limits=Limits(attributes=8, events=2, links=1))
    recorder.add(spans)
    return LightTracerProvider(recorder)


def _other(*, remote: bool) -> trace.SpanContext:
    state = trace.TraceState([("vendor", "a"), ("other", "b")])
    return trace.SpanContext(2**127 + 5, 2**63 + 7, remote, trace.TraceFlags(1), state)


def _strange_spans(provider: LightTracerProvider) -> None:
    tracer, second = provider.get_tracer("first", "1.0", "https://schema.example/2"), provider.get_tracer("second")
    tracer.start_span("bare").end()
    shared = SharedAttributes({"http.route": "/books/{id}", "http.response.status_code": 200})
    for path, kind in (("/books/1", trace.SpanKind.SERVER), ("/books/2", trace.SpanKind.CONSUMER)):
        span = tracer.start_span("GET /books/{id}", kind=kind)
        assert isinstance(span, LightSpan)
        span.shared = shared
        span.set_attribute("url.path", path)
        span.end()
    span = tracer.start_span("overrides what it shares")
    assert isinstance(span, LightSpan)
    span.shared = shared
    span.set_attribute("http.response.status_code", 500)
    span.end()
    span = second.start_span(
        "a remote parent's child", trace.set_span_in_context(trace.NonRecordingSpan(_other(remote=True)))
    )
    span.set_attributes({"b": True, "i": 1, "f": 1.0, "many": [1, 2], "texts": ("ä", ""), "big": -(2**62), "n": 0})
    span.add_event("seen", {"at": "once"}, 5)
    span.add_event("again")
    span.add_event("too much")
    span.add_link(_other(remote=False), {"why": "batch"})
    span.add_link(_other(remote=True))
    span.set_status(trace.StatusCode.ERROR, "it broke")
    span.end()
    span = second.start_span("fine and too big" * 20)
    span.set_attributes({str(number): "x" * number * 40 for number in range(12)})
    span.set_status(trace.StatusCode.OK)
    span.end()


def test_a_batch_decodes_to_exactly_what_the_sdk_would_have_sent(
    provider: LightTracerProvider, spans: MemorySpans
) -> None:
    _strange_spans(provider)
    encoder = SpanEncoder(RESOURCE)
    expected = encode_spans(spans.spans)  # type: ignore[arg-type]  # they read like the SDK's

    for _ in range(2):  # the second time out of the caches
        assert ExportTraceServiceRequest.FromString(encoder.encode(spans.spans)) == expected
    assert encoder.failed == 0


@given(st.lists(st.dictionaries(_TEXTS, _VALUES, max_size=6), max_size=3))
@settings(max_examples=40, deadline=None)
def test_attributes_of_any_kind_decode_to_what_the_sdk_makes_of_them(many: list[dict[str, object]]) -> None:
    encoder = AttributeEncoder(b"\x4a")
    for attributes in many + many:
        expected = Span(attributes=_encode_attributes(attributes))  # type: ignore[arg-type]  # of the right types
        assert Span.FromString(encoder.encode(attributes)) == expected


def test_what_is_equal_in_python_but_not_in_otlp_stays_apart() -> None:
    encoder = AttributeEncoder(b"\x4a")
    kinds = [
        Span.FromString(encoder.encode({"x": value})).attributes[0].value.WhichOneof("value")
        for value in (1, True, 1.0, 0, False, 0.0, 1, True)
    ]
    assert kinds == [
        "int_value", "bool_value", "double_value", "int_value", "bool_value", "double_value", "int_value", "bool_value",
    ]  # fmt: skip


def test_a_span_that_cannot_be_encoded_costs_itself_and_not_its_batch(
    provider: LightTracerProvider, spans: MemorySpans
) -> None:
    tracer = provider.get_tracer("first")
    tracer.start_span("before").end()
    broken = tracer.start_span("broken")
    assert isinstance(broken, LightSpan)
    broken.end()
    broken.own = {"no": _Unspeakable()}  # type: ignore[dict-item]  # the point of the test
    tracer.start_span("half a pair \ud800").end()
    encoder = SpanEncoder(RESOURCE)

    request = ExportTraceServiceRequest.FromString(encoder.encode(spans.spans))

    names = [span.name for span in request.resource_spans[0].scope_spans[0].spans]
    assert names == ["before", "half a pair ?"]
    assert encoder.failed == 1


class _Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2047, 2048, 2**32, 2**63 - 1, -1])
def test_numbers_are_read_as_they_were_written(number: int) -> None:
    assert list(fields(b"\x08" + varint(number))) == [(1, number % 2**64)]


@pytest.mark.parametrize("garbage", [b"\xff" * 12, b"\x0a\x05ab", b"\x0b", b"\x09\x01", b"<html>"])
def test_garbage_is_no_message(garbage: bytes) -> None:
    with pytest.raises(ValueError, match=r"octet|cut off|end"):
        list(fields(garbage))
