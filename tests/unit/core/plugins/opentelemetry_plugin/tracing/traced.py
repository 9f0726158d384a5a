"""A telemetry without an application, and the spans that it recorded."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.resources import Resource

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.telemetry import OpenTelemetryTelemetry
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.attributes import Limits
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.propagation import Propagation
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.recorder import Keeping, Recorder
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.sampling import Sampling
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.sinks import MemorySpans
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.span import LightSpan
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.tracer import LightTracer, LightTracerProvider


@dataclass
class Traced:
    """A telemetry, and the spans that it recorded."""

    telemetry: OpenTelemetryTelemetry
    memory: MemorySpans

    @property
    def tracer(self) -> LightTracer:
        return self.telemetry.tracer

    @property
    def spans(self) -> dict[str, LightSpan]:
        return {span.name: span for span in self.memory.spans}

    def span(self, *args: Any, **kwargs: Any) -> AbstractContextManager[Any]:
        """Begin a span, whose type is not in the way of looking at it."""
        return self.telemetry.span(*args, **kwargs)

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.memory.spans]


def make_traced(
    *, ratio: float = 1.0, formats: tuple[str, ...] = ("tracecontext", "baggage", "b3"), **more: Any
) -> Traced:
    limits: Limits | None = more.get("limits")
    keeping: Keeping | None = more.get("keeping")
    sampling = Sampling(ratio, more.get("parent_based", True))
    recorder = Recorder(Resource({"service.name": "books"}), sampling, limits, keeping)
    memory = MemorySpans()
    recorder.add(memory)
    return Traced(OpenTelemetryTelemetry(LightTracerProvider(recorder), Propagation(formats)), memory)
