"""The span of a trace that is not recorded: it is only passed on."""

from collections.abc import Mapping
from typing import Any

from fastapi_factory_utilities.core import telemetry
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.identity import Identified

# isort: split
from opentelemetry import trace
from opentelemetry.util.types import Attributes

__all__ = ["UnsampledSpan"]


class UnsampledSpan(Identified, telemetry.Span, trace.Span):
    """Keeps nothing but its ids, which log lines and the next process get all the same."""

    __slots__ = ()

    def __init__(self, trace_id: int, span_id: int, flags: int = 0, state: str = "") -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.flags = flags
        self.state = state
        self._ids = None
        self._context = None

    def is_recording(self) -> bool:
        """Say no."""
        return False

    def set_attribute(self, key: str, value: Any) -> None:  # noqa: ANN401 - users pass anything
        """Do nothing."""

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Do nothing."""

    def update_name(self, name: str) -> None:
        """Do nothing."""

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Do nothing."""

    def add_link(self, context: trace.SpanContext, attributes: Attributes = None) -> None:
        """Do nothing."""

    def set_status(self, status: trace.Status | trace.StatusCode, description: str | None = None) -> None:
        """Do nothing."""

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: FBT001, FBT002 - OpenTelemetry's signature
    ) -> None:
        """Do nothing."""

    def end(self, end_time: int | None = None) -> None:
        """Do nothing."""
