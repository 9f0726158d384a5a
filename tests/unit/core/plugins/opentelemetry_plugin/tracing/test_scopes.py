"""`telemetry.span(...)`: nesting, in OpenTelemetry's context; failure; what is passed on."""

import asyncio
import contextvars
from collections.abc import Generator
from contextlib import suppress
from typing import Any, cast

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import TracerProvider

from fastapi_factory_utilities.core.redaction import register_secrets
from fastapi_factory_utilities.core.telemetry import NO_SPAN, SpanKind
from tests.unit.core.plugins.opentelemetry_plugin.tracing.traced import Traced

_TRACE = "0af7651916cd43dd8448eb211c80319c"
_SPAN = "b7ad6b7169203331"


def test_spans_nest_and_others_find_the_current_one(traced: Traced) -> None:
    telemetry = cast("Any", traced.telemetry)
    assert telemetry.current() is NO_SPAN
    assert telemetry.ids() is None
    with telemetry.span("outer", SpanKind.SERVER, {"a": 1}) as outer:
        assert trace.get_current_span() is outer is telemetry.current()
        with (
            trace.get_current_span(),
            traced.telemetry.tracer_provider.get_tracer("contrib").start_as_current_span("in"),
        ):
            assert telemetry.ids() == telemetry.current().ids
            with telemetry.span("innermost"):
                pass
    assert trace.get_current_span() is trace.INVALID_SPAN
    spans = traced.spans
    assert spans["innermost"].parent == spans["in"].context
    assert spans["in"].parent == spans["outer"].context
    assert spans["outer"].parent is None
    assert len({span.trace_id for span in spans.values()}) == 1
    assert spans["in"].instrumentation_scope.name == "contrib"
    assert spans["outer"].kind is trace.SpanKind.SERVER
    assert spans["outer"].attributes == {"a": 1}


def test_the_spans_of_another_sdk_are_parents_and_children_and_can_be_written_to(traced: Traced) -> None:
    theirs = cast("Any", TracerProvider().get_tracer("theirs"))
    with theirs.start_as_current_span("root") as root:
        assert traced.telemetry.ids() == (
            f"{root.get_span_context().trace_id:032x}",
            f"{root.get_span_context().span_id:016x}",
        )
        traced.telemetry.current().set_attribute("ours", True)
        with traced.span("middle") as middle, theirs.start_as_current_span("leaf") as leaf:
            assert leaf.parent == middle.get_span_context()
        traced.telemetry.current().fail(ValueError("no"))
    assert traced.spans["middle"].parent == root.get_span_context()
    assert not traced.spans["middle"].parent_is_remote
    assert root.attributes == {"ours": True, "error.type": "ValueError"}
    assert root.status.status_code is trace.StatusCode.ERROR


def test_an_exception_fails_the_span_with_its_secrets_masked(traced: Traced) -> None:
    register_secrets(["hunter2-hunter2"])
    with pytest.raises(RuntimeError), traced.span("work"):
        raise RuntimeError("refused hunter2-hunter2") from ValueError("amqp://me:hunter2-hunter2@host")
    span = traced.spans["work"]
    (event,) = span.events
    assert span.status.status_code is trace.StatusCode.ERROR
    assert span.attributes["error.type"] == event.attributes["exception.type"] == "RuntimeError"
    assert event.attributes["exception.message"] == "refused ***"
    assert "test_an_exception_fails" in str(event.attributes["exception.stacktrace"])
    assert "hunter2" not in repr(event)


def test_an_exception_fails_a_span_of_opentelemetrys_api_if_that_is_wanted(traced: Traced) -> None:
    for name, wanted in ("told", True), ("kept quiet", False):
        with (
            suppress(KeyError),
            traced.tracer.start_as_current_span(name, record_exception=wanted, set_status_on_exception=wanted),
        ):
            raise KeyError(name)
    told, quiet = traced.memory.spans
    assert (told.status.status_code, len(told.events)) == (trace.StatusCode.ERROR, 1)
    assert (quiet.status.status_code, len(quiet.events)) == (trace.StatusCode.UNSET, 0)
    assert trace.get_current_span() is trace.INVALID_SPAN


async def test_to_be_cancelled_is_no_failure(traced: Traced) -> None:
    async def work() -> None:
        with traced.span("work"):
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    span = traced.spans["work"]
    assert span.end_time is not None
    assert (span.status.status_code, span.events) == (trace.StatusCode.UNSET, ())


async def test_concurrent_tasks_have_spans_of_their_own(traced: Traced) -> None:
    async def work(number: int) -> None:
        with traced.span(f"task {number}"):
            await asyncio.sleep(0)
            with traced.span(f"step {number}"):
                await asyncio.sleep(0)

    with traced.span("root"):
        await asyncio.gather(*(work(number) for number in range(5)))
    spans = traced.spans
    for number in range(5):
        assert spans[f"step {number}"].parent_id == spans[f"task {number}"].span_id
        assert spans[f"task {number}"].parent_id == spans["root"].span_id


def test_a_scope_left_in_another_context_ends_its_span_and_disturbs_nobody(
    traced: Traced, caplog: pytest.LogCaptureFixture
) -> None:
    def generate() -> Generator[None]:
        with traced.span("generator"):
            yield

    generator = generate()
    contextvars.copy_context().run(next, generator)
    with traced.span("other") as other:
        generator.close()
        assert trace.get_current_span() is other
    assert traced.names == ["generator", "other"]
    assert not caplog.records


def test_headers_carry_trace_and_baggage_to_the_next_process_and_links_to_others(traced: Traced) -> None:
    telemetry = cast("Any", traced.telemetry)
    token = context.attach(baggage.set_baggage("tenant", "a b,ü"))
    headers: dict[str, str] = {}
    with telemetry.span("publish", SpanKind.PRODUCER) as producer:
        telemetry.inject(headers)
    context.detach(token)
    assert headers["traceparent"] == f"00-{producer.ids[0]}-{producer.ids[1]}-01"
    assert headers["b3"] == f"{producer.ids[0]}-{producer.ids[1]}-1"
    with (
        telemetry.span("unrelated"),
        telemetry.span("process", parent=headers, links=[{"traceparent": f"00-{_TRACE}-{_SPAN}-01"}, {}]),
    ):
        assert baggage.get_all() == {"tenant": "a b,ü"}
    assert not baggage.get_all()
    span = traced.spans["process"]
    assert (span.trace_id, span.parent_id, span.parent_is_remote) == (producer.trace_id, producer.span_id, True)
    assert [f"{link.context.trace_id:032x}" for link in span.links] == [_TRACE]


def test_a_message_without_a_trace_is_below_the_current_span(traced: Traced) -> None:
    with traced.span("outer") as outer, traced.span("inner", parent={"x": 1}):
        pass
    assert traced.spans["inner"].parent_id == outer.span_id
