"""`trace_span`: around functions and blocks, found without anybody handing it over."""

import asyncio
import inspect
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any, cast

import pytest

from fastapi_factory_utilities.core.telemetry import NO_SPAN, SpanKind, running_telemetry, trace_span
from tests.unit.core.plugins.opentelemetry_plugin.tracing.traced import Traced, make_traced


@trace_span
async def load(number: int) -> int:
    """Load it."""
    await asyncio.sleep(0)
    with trace_span("inside", kind=SpanKind.CLIENT) as span:
        span.set_attribute("number", number)
    return number


@trace_span("named", attributes={"a": 1})
def divide(number: int, by: int) -> float:
    return number / by


async def test_it_goes_around_functions_coroutines_and_blocks(traced: Traced) -> None:
    with running_telemetry(traced.telemetry):
        assert await load(3) == 3
        assert divide(4, by=2) == 2
        async with trace_span("block"):
            assert divide(4, 4) == 1
    spans = traced.spans
    assert traced.names == ["inside", "load", "named", "named", "block"]
    assert spans["inside"].parent_id == spans["load"].span_id
    assert spans["inside"].kind_number == SpanKind.CLIENT
    assert spans["inside"].attributes == {"number": 3}
    assert spans["load"].attributes == {"code.function.name": f"{__name__}.load"}
    assert spans["named"].attributes["a"] == 1
    assert spans["named"].parent_id == spans["block"].span_id


async def test_a_traced_function_still_looks_like_itself() -> None:
    assert inspect.iscoroutinefunction(load)
    assert not inspect.iscoroutinefunction(divide)
    assert list(inspect.signature(divide).parameters) == ["number", "by"]
    assert load.__doc__ == "Load it."


def test_an_exception_passes_through_and_fails_the_span(traced: Traced) -> None:
    with running_telemetry(traced.telemetry), pytest.raises(ZeroDivisionError):
        divide(1, 0)
    assert traced.spans["named"].attributes["error.type"] == "ZeroDivisionError"


def test_of_several_applications_the_one_whose_span_is_current_has_the_next() -> None:
    first, second = make_traced(), make_traced()
    with running_telemetry(first.telemetry), running_telemetry(second.telemetry):
        with first.span("request"):
            divide(1, 1)
        divide(1, 1)
    divide(1, 1)
    assert (first.names, second.names) == (["named", "request"], ["named"])


def test_a_generator_or_a_classmethod_is_refused_with_advice() -> None:
    def rows() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match=r"rows.*use `with trace_span"):
        trace_span(rows)
    with pytest.raises(TypeError, match="below @classmethod"):
        trace_span(cast("Any", classmethod(lambda cls: cls)))


def test_an_object_that_can_be_called_has_the_name_of_its_class(traced: Traced) -> None:
    with running_telemetry(traced.telemetry):
        assert trace_span(partial(divide, 4))(2) == 2
    assert traced.names == ["named", "partial"]


def test_without_telemetry_or_its_extra_it_does_nothing() -> None:
    with trace_span("x") as span:
        assert span is NO_SPAN
    program = """
import sys
sys.modules["opentelemetry.sdk"] = None  # FastAPI itself may need the API
from fastapi_factory_utilities.core.plugins import MissingExtraError
from fastapi_factory_utilities.core.plugins import opentelemetry_plugin as package
@package.trace_span("x")
def one():
    return 1
assert one() == 1
package.OpenTelemetryConfig(), package.MemorySpans().spans
for use in (package.OpenTelemetryPlugin().on_load, lambda: package.LightSpan, lambda: package.TracerProvider):
    try:
        use()
    except MissingExtraError as error:
        assert "fastapi-factory-utilities[otel]" in str(error), error
    else:
        raise SystemExit("nothing was said")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
