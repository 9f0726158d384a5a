"""The ids of the trace in each log line, and the lines themselves on their way to the collector."""

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.logs.ids import trace_context
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.logs.lines import LineExport

__all__ = ["LineExport", "trace_context"]
