"""`LightSpan`: OpenTelemetry's API, an SDK span's face, bounded, and without secrets."""

import enum
import subprocess
import sys
from typing import Any, cast

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from structlog.testing import capture_logs

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.attributes import Limits, SharedAttributes
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.sinks import MemorySpans
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.span import LightSpan
from fastapi_factory_utilities.core.redaction import forget_secrets, register_secrets
from tests.unit.core.plugins.opentelemetry_plugin.tracing.traced import Traced, make_traced


class _Colour(enum.StrEnum):
    RED = "red"


def test_values_become_what_opentelemetry_has_and_others_are_dropped_and_counted(traced: Traced) -> None:
    with traced.tracer.start_as_current_span("x", attributes={"start": 1}) as span:
        span.set_attributes(
            {"enum": _Colour.RED, "bytes": b"\xff", "list": ["a", "b"], "mixed": [1, "a"], "flag": True}
        )
        span.set_attribute("object", cast("Any", object()))
        span.set_attribute("none", None)
        span.set_attribute("nested", [[1]])
        span.set_attribute("", 1)
    span = traced.spans["x"]
    assert span.attributes == {
        "start": 1,
        "enum": "red",
        "bytes": "\ufffd",
        "list": ("a", "b"),
        "mixed": ("1", "a"),
        "flag": True,
    }
    assert type(span.attributes["enum"]) is str
    assert span.dropped_attributes == 4


def test_it_holds_no_more_than_its_limits() -> None:
    traced = make_traced(limits=Limits(attributes=2, events=1, links=1, value_length=3))
    other = trace.SpanContext(1, 2, is_remote=False)
    with traced.span("x") as span:
        span.set_attributes({"a": "12345", "b": 2, "c": 3})
        span.set_attribute("a", "new")
        for _ in range(2):
            span.add_event("event", {"a": "12345"})
            span.add_link(other)
    assert span.attributes == {"a": "new", "b": 2}
    assert (span.dropped_attributes, span.dropped_events, span.dropped_links) == (1, 1, 1)
    assert span.events[0].attributes == {"a": "123"}
    assert span.links[0].context == other


def test_an_ended_span_does_not_change_and_ends_once(traced: Traced) -> None:
    span: Any = traced.tracer.start_span("x", start_time=1_000)
    assert span.is_recording()
    span.end(500)
    span.end()
    span.set_attribute("a", 1)
    span.set_attributes({"a": 1})
    span.add_event("e")
    span.update_name("y")
    span.set_status(trace.StatusCode.ERROR)
    span.fail("500")
    span.record_exception(ValueError())
    span.add_link(trace.SpanContext(1, 2, is_remote=False))
    assert not span.is_recording()
    assert traced.names == ["x"]
    assert (span.attributes, span.events, span.links, span.status.status_code) == ({}, (), (), trace.StatusCode.UNSET)
    assert span.end_time == span.start_time == 1_000, "a clock that was set back makes no negative duration"


def test_ok_is_final_and_a_failure_by_type_has_no_event(traced: Traced) -> None:
    with traced.span("ok") as ok, traced.span("bad") as bad:
        ok.set_status(trace.Status(trace.StatusCode.OK))
        ok.fail("timeout")
        bad.set_status(trace.StatusCode.ERROR, "why")
        bad.fail("503")
    assert ok.status.status_code is trace.StatusCode.OK
    assert (bad.status.status_code, bad.status.description) == (trace.StatusCode.ERROR, "why")
    assert (bad.attributes, bad.events) == ({"error.type": "503"}, ())


def test_known_secrets_are_masked_wherever_a_user_puts_them(traced: Traced) -> None:
    with traced.span("before", attributes={"a": "s3cr3t-value"}):
        pass
    assert traced.spans["before"].attributes == {"a": "s3cr3t-value"}
    register_secrets(["s3cr3t-value"])
    secret = "x s3cr3t-value y"
    with traced.span(secret, attributes={"a": "s3cr3t-value", "b": [secret], "c": 3}) as span:
        span.add_event(secret, {"d": secret})
        span.set_status(trace.StatusCode.ERROR, secret)
    with traced.span("after", attributes={"a": "s3cr3t-value"}) as after:
        pass
    assert "s3cr3t" not in repr((span.name, span.attributes, span.events, span.status.description, after.attributes))
    assert (span.attributes["a"], span.attributes["c"]) == ("***", 3)
    forget_secrets(["s3cr3t-value"])


def test_an_sdks_exporter_reads_it(traced: Traced) -> None:
    span = traced.tracer.begin("GET /books", 1, None)
    assert isinstance(span, LightSpan)
    span.shared = SharedAttributes({"http.request.method": "GET", "a": 1})
    span.own["a"] = 2
    span.add_event("e", {"f": 1})
    span.add_link(trace.SpanContext(1, 2, is_remote=True))
    span.fail(ValueError("no"))
    span.end()
    (resource,) = encode_spans([cast("ReadableSpan", span)]).resource_spans
    (encoded,) = resource.scope_spans[0].spans
    assert encoded.name == "GET /books"
    assert encoded.trace_id.hex() == span.ids[0]
    assert (encoded.kind, encoded.status.code, len(encoded.events), len(encoded.links)) == (2, 2, 2, 1)
    assert {attribute.key for attribute in encoded.attributes} == {"http.request.method", "a", "error.type"}
    assert span.attributes["a"] == 2


def test_a_seeded_random_module_and_a_fork_give_no_ids_twice() -> None:
    program = """
import os, random
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.ids import new_trace_id
ids = []
for _ in range(2):
    random.seed(1)
    ids.append(new_trace_id())
read, write = os.pipe()
if not os.fork():
    os.write(write, str(new_trace_id()).encode())
    os._exit(0)
os.wait()
ids += [new_trace_id(), int(os.read(read, 100))]
assert len(set(ids)) == 4, ids
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_a_sink_that_fails_is_told_once_and_stops_nobody(traced: Traced) -> None:
    class Broken:
        def on_end(self, span: LightSpan) -> None:
            raise RuntimeError("full")

    traced.telemetry.tracer.recorder.add(Broken())
    more = MemorySpans()
    take_out = traced.telemetry.add_span_sink(more)
    with capture_logs() as logs:
        for name in "ab":
            with traced.span(name):
                pass
    take_out()
    assert [(line["event"], line["sink"]) for line in logs] == [("span sink failed", "Broken")]
    with traced.span("c"):
        pass
    assert traced.names == ["a", "b", "c"]
    assert [span.name for span in more.spans] == ["a", "b"]
