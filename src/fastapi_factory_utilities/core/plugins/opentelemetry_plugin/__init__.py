"""Telemetry for a service: traces, metrics, the ids in log lines, and their export to an OpenTelemetry collector.

Importing the package needs no OpenTelemetry; the names that need it say how to install it when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.config import OpenTelemetryConfig
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.plugin import OpenTelemetryPlugin
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.provided import (
    depends_meter_provider,
    depends_telemetry,
    depends_tracer_provider,
)
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.sinks import MemorySpans, SpanSink
from fastapi_factory_utilities.core.telemetry import trace_span

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.depends import (
        CurrentTelemetry,
        MeterProvider,
        TracerProvider,
    )
    from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.span import LightSpan

__all__ = [
    "CurrentTelemetry",
    "LightSpan",
    "MemorySpans",
    "MeterProvider",
    "OpenTelemetryConfig",
    "OpenTelemetryPlugin",
    "SpanSink",
    "TracerProvider",
    "depends_meter_provider",
    "depends_telemetry",
    "depends_tracer_provider",
    "trace_span",
]

_PACKAGE = "fastapi_factory_utilities.core.plugins.opentelemetry_plugin"
_NEED_OPENTELEMETRY = {
    "CurrentTelemetry": f"{_PACKAGE}.depends",
    "LightSpan": f"{_PACKAGE}.tracing.span",
    "MeterProvider": f"{_PACKAGE}.depends",
    "TracerProvider": f"{_PACKAGE}.depends",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Import what needs OpenTelemetry when somebody asks for it."""
    if name in _NEED_OPENTELEMETRY:
        return getattr(import_module(_NEED_OPENTELEMETRY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
