"""Which traces are recorded, and what the others cost: nothing but their ids."""

from contextlib import suppress
from random import Random
from typing import Any, cast

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.recorder import Keeping
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.sampling import Sampling
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.span import LightSpan
from tests.unit.core.plugins.opentelemetry_plugin.tracing.traced import make_traced

_TRACE = "0af7651916cd43dd8448eb211c80319c"
_SPAN = "b7ad6b7169203331"


@pytest.mark.parametrize("ratio", [0.0, 0.01, 0.1, 0.5, 1.0])
def test_the_share_is_the_one_that_every_sdk_of_the_fleet_chooses(ratio: float) -> None:
    random = Random(7)  # noqa: S311 - ids are no secrets
    theirs, ours = TraceIdRatioBased(ratio), Sampling(ratio)
    ids = [random.getrandbits(128) for _ in range(5000)]
    chosen = [ours.decide(trace_id, None) for trace_id in ids]
    assert chosen == [
        theirs.should_sample(None, trace_id, "x").decision is Decision.RECORD_AND_SAMPLE for trace_id in ids
    ]
    assert abs(sum(chosen) / len(ids) - ratio) < 0.02


@pytest.mark.parametrize(
    ("flag", "ratio", "parent_based", "recorded"),
    [
        ("01", 0.0, True, True),
        ("00", 1.0, True, False),
        ("01", 0.0, False, False),
        ("00", 1.0, False, True),
    ],
)
def test_a_parent_decides_only_where_it_is_asked(
    flag: str, ratio: float, *, parent_based: bool, recorded: bool
) -> None:
    traced = make_traced(ratio=ratio, parent_based=parent_based)
    with traced.span("x", parent={"traceparent": f"00-{_TRACE}-{_SPAN}-{flag}"}) as span:
        assert span.is_recording() is recorded
        assert span.ids[0] == _TRACE
    assert bool(traced.names) is recorded


def test_what_is_not_recorded_is_passed_on_as_such_and_kept_nowhere() -> None:
    traced = make_traced(ratio=0.0)
    telemetry = cast("Any", traced.telemetry)
    headers: dict[str, str] = {}
    state = {"traceparent": f"00-{_TRACE}-{_SPAN}-00", "tracestate": "vendor=1"}
    with telemetry.span("outer", parent=state) as outer:
        outer.set_attribute("a", 1)
        with telemetry.span("inner") as inner, suppress(ValueError), telemetry.span("innermost"):
            telemetry.inject(headers)
            raise ValueError
        assert inner is cast("Any", trace.get_current_span())
        assert inner.ids == outer.ids
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert headers == {
        "traceparent": f"00-{_TRACE}-{outer.ids[1]}-00",
        "tracestate": "vendor=1",
        "b3": f"{_TRACE}-{outer.ids[1]}-0",
    }
    assert outer.ids[1] != _SPAN
    assert not traced.names


def test_b3_may_say_no_without_saying_who() -> None:
    traced = make_traced()
    with traced.span("x", parent={"b3": "0"}) as span:
        assert not span.is_recording()
        assert span.trace_id


class TestKeeping:
    """What is kept though it was not sampled."""

    def test_a_trace_in_which_something_failed_is_kept_as_a_whole(self) -> None:
        traced = make_traced(ratio=0.0, keeping=Keeping(errors=True))
        with traced.span("root") as root:
            with traced.span("fine"):
                pass
            with pytest.raises(KeyError), traced.span("bad"):
                raise KeyError
            late = traced.tracer.begin("late", 0, root)
        assert traced.names == ["fine", "bad", "root"]
        late.end()
        assert traced.names[-1] == "late"
        assert {span.trace_id for span in traced.memory.spans} == {root.trace_id}

    def test_the_next_process_is_still_told_that_it_is_not_sampled(self) -> None:
        traced = make_traced(ratio=0.0, keeping=Keeping(errors=True))
        headers: dict[str, str] = {}
        with traced.span("root"):
            traced.telemetry.inject(headers)
        assert headers["traceparent"].endswith("-00")

    def test_what_went_well_and_fast_is_dropped_and_what_was_slow_is_kept(self) -> None:
        traced = make_traced(ratio=0.0, keeping=Keeping(errors=True, slow_nanoseconds=1_000_000_000))
        for lasts in (999_999_999, 1_000_000_000):
            span = traced.tracer.begin(f"{lasts}", 1, None)
            assert isinstance(span, LightSpan)
            traced.tracer.begin(f"child of {lasts}", 0, span).end()
            span.end(span.start_time + lasts)
        assert traced.names == ["child of 1000000000", "1000000000"]
