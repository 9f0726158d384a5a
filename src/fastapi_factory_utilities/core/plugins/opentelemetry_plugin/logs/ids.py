"""The ids of the current span, for log lines."""

from collections.abc import Mapping

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.current import current_span
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.identity import Identified, parent_of

__all__ = ["trace_context"]

_NOTHING: Mapping[str, str] = {}


def trace_context() -> Mapping[str, str]:
    """Return `trace_id` and `span_id` of the current span, recorded or not; nothing outside of any.

    The provider of `core.logs.add_context_provider`: it is called for every line.
    """
    span = current_span()
    if span is None:
        return _NOTHING
    if isinstance(span, Identified):
        trace_id, span_id = span.ids
        return {"trace_id": trace_id, "span_id": span_id}
    origin = parent_of(span)
    return _NOTHING if origin is None else {"trace_id": f"{origin.trace_id:032x}", "span_id": f"{origin.span_id:016x}"}
