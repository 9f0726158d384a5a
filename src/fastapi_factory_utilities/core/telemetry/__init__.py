"""What plugins and services may say of their work, whether or not anybody records it.

Nothing here imports OpenTelemetry. `OpenTelemetryPlugin` puts the implementation in; without it every call does
nothing, so that nobody asks first whether there is telemetry.
"""

from fastapi_factory_utilities.core.telemetry.instruments import Counter, Histogram
from fastapi_factory_utilities.core.telemetry.spans import NO_SPAN, Span, SpanKind, SpanScope
from fastapi_factory_utilities.core.telemetry.telemetry import NO_TELEMETRY, AttributeValue, Telemetry, TelemetrySlot
from fastapi_factory_utilities.core.telemetry.tracing import TraceSpan, running_telemetry, trace_span

__all__ = [
    "NO_SPAN",
    "NO_TELEMETRY",
    "AttributeValue",
    "Counter",
    "Histogram",
    "Span",
    "SpanKind",
    "SpanScope",
    "Telemetry",
    "TelemetrySlot",
    "TraceSpan",
    "running_telemetry",
    "trace_span",
]
