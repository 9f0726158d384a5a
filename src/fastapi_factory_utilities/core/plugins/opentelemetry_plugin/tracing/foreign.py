"""A span that another library made, as `core.telemetry.Span`."""

from collections.abc import Mapping

from fastapi_factory_utilities.core import telemetry
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.failures import describe, type_name

# isort: split
from opentelemetry import trace

__all__ = ["ForeignSpan"]


class ForeignSpan(telemetry.Span):
    """Passes on what is said.

    Args:
        span: The other library's.
    """

    __slots__ = ("_span",)

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def is_recording(self) -> bool:
        """Say whether attributes are kept."""
        return self._span.is_recording()

    def set_attribute(self, key: str, value: telemetry.AttributeValue) -> None:
        """Add or replace one attribute."""
        self._span.set_attribute(key, value)

    def set_attributes(self, attributes: Mapping[str, telemetry.AttributeValue]) -> None:
        """Add or replace several."""
        self._span.set_attributes(attributes)

    def update_name(self, name: str) -> None:
        """Replace the name."""
        self._span.update_name(name)

    def add_event(self, name: str, attributes: Mapping[str, telemetry.AttributeValue] | None = None) -> None:
        """Note what happened."""
        self._span.add_event(name, attributes)

    def fail(self, error: BaseException | str) -> None:
        """Mark the operation as failed."""
        if isinstance(error, str):
            self._span.set_attribute("error.type", error)
        else:
            self._span.set_attribute("error.type", type_name(error))
            self._span.add_event("exception", describe(error))
        self._span.set_status(trace.StatusCode.ERROR)
