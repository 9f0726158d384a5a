"""`OpenTelemetryTelemetry`: what plugins and services reach as `context.telemetry` while the plugin is active."""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import partial
from typing import Any, Protocol, cast

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.attributes import SharedAttributes
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.current import (
    current_context,
    current_span,
)
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.foreign import ForeignSpan
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.identity import Identified, parent_of
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.propagation import Propagation
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.scope import LightScope
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.sinks import SpanSink
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.span import LightSpan
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.tracer import LightTracer, LightTracerProvider
from fastapi_factory_utilities.core.telemetry import (
    NO_SPAN,
    AttributeValue,
    Counter,
    Histogram,
    Span,
    SpanKind,
    SpanScope,
    Telemetry,
)

# isort: split
from opentelemetry import trace

__all__ = ["SCOPE_NAME", "Instruments", "OpenTelemetryTelemetry"]

SCOPE_NAME = "fastapi_factory_utilities"


class Instruments(Protocol):
    """Where instruments come from."""

    def counter(self, name: str, *, unit: str = "1", description: str = "") -> Counter:
        """Return the counter of this name."""

    def up_down_counter(self, name: str, *, unit: str = "1", description: str = "") -> Counter:
        """Return the counter of this name that goes down as well."""

    def histogram(
        self, name: str, *, unit: str = "s", description: str = "", buckets: Sequence[float] | None = None
    ) -> Histogram:
        """Return the histogram of this name."""


class OpenTelemetryTelemetry(Telemetry):
    """Makes our spans and instruments.

    Args:
        tracer_provider: Where the spans come from.
        propagation: How they are carried from one process to the next.
        instruments: Where instruments come from; `None` measures nothing.
        meter_provider: OpenTelemetry's `MeterProvider`, for instrumentations that others wrote.

    Attributes:
        tracer: The tracer of this library's own spans.
        propagation: See above.
    """

    active = True

    def __init__(
        self,
        tracer_provider: LightTracerProvider,
        propagation: Propagation,
        *,
        instruments: Instruments | None = None,
        meter_provider: Any = None,  # noqa: ANN401 - the SDK's, or nothing
    ) -> None:
        self.tracer_provider: LightTracerProvider = tracer_provider
        self.meter_provider = meter_provider
        self.propagation = propagation
        self.tracer: LightTracer = tracer_provider.get_tracer(SCOPE_NAME)
        self._instruments = instruments

    def span(
        self,
        name: str,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, AttributeValue] | None = None,
        *,
        parent: Mapping[str, Any] | None = None,
        links: Sequence[Mapping[str, Any]] = (),
    ) -> SpanScope:
        """Begin a span when the returned scope is entered; it is the current one in OpenTelemetry's context, too."""
        return LightScope(self.tracer, self.propagation, name, kind, attributes, parent, links)

    def shared(self, attributes: Mapping[str, AttributeValue]) -> Mapping[str, AttributeValue]:
        """Return attributes that spans refer to instead of copying them, and that are encoded once."""
        return SharedAttributes(attributes)

    def current(self) -> Span:
        """Return the current span; one that another library made can be written to as well."""
        span = current_span()
        if isinstance(span, Span):
            return span
        return NO_SPAN if span is None or span is trace.INVALID_SPAN else ForeignSpan(cast("trace.Span", span))

    def inject(self, carrier: MutableMapping[str, Any]) -> None:
        """Write the current trace, and baggage, into headers."""
        context = current_context()
        self.propagation.inject(carrier, parent_of(current_span()), context)

    def ids(self) -> tuple[str, str] | None:
        """Return trace id and span id of the current span, in hexadecimal; `None` outside of any."""
        span = current_span()
        if isinstance(span, Identified):
            return span.ids
        origin = parent_of(span)
        return None if origin is None else (f"{origin.trace_id:032x}", f"{origin.span_id:016x}")

    def add_span_sink(self, sink: SpanSink) -> Callable[[], None]:
        """Hand every span that was sampled and has ended to a sink, from now on; returns what takes it out again."""
        recorder = self.tracer.recorder
        recorder.add(sink)
        return partial(recorder.remove, sink)

    def owns_current(self) -> bool:
        """Say whether the current span is recorded by this one."""
        span = current_span()
        return type(span) is LightSpan and span.recorder is self.tracer.recorder

    def counter(self, name: str, *, unit: str = "1", description: str = "") -> Counter:
        """Return the counter of this name; it only goes up."""
        if self._instruments is None:
            return super().counter(name)
        return self._instruments.counter(name, unit=unit, description=description)

    def up_down_counter(self, name: str, *, unit: str = "1", description: str = "") -> Counter:
        """Return the counter of this name that goes down as well."""
        if self._instruments is None:
            return super().up_down_counter(name)
        return self._instruments.up_down_counter(name, unit=unit, description=description)

    def histogram(
        self, name: str, *, unit: str = "s", description: str = "", buckets: Sequence[float] | None = None
    ) -> Histogram:
        """Return the histogram of this name."""
        if self._instruments is None:
            return super().histogram(name)
        return self._instruments.histogram(name, unit=unit, description=description, buckets=buckets)
