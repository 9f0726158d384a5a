"""`LightSpan`: a recorded span. It has OpenTelemetry's API, reads like an SDK span, and costs a tenth of one."""

from collections.abc import Mapping
from time import time_ns
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from fastapi_factory_utilities.core import telemetry
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.attributes import (
    NO_ATTRIBUTES,
    cleaned,
)
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.events import SpanEvent, SpanLink
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.failures import describe, type_name
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.identity import Identified, Parent
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.masking import are_clean, masked
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.recorded import CODES, Recorded
from fastapi_factory_utilities.core.redaction import redact

# isort: split
from opentelemetry import trace
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.util.types import Attributes

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.recorder import Family, Recorder

__all__ = ["ERROR", "OK", "UNSET", "LightSpan"]

UNSET: Final = 0
OK: Final = 1
ERROR: Final = 2
_SCALARS: Final = frozenset({str, bool, int, float})


class LightSpan(Recorded, telemetry.Span, trace.Span):
    """One recorded operation; make it with a `LightTracer`.

    Attributes are written by the API's methods. Whoever owns the span, like a server layer, may also set `shared`,
    `own` and `status_code` directly before it ends, which is faster and checks nothing.
    """

    __slots__ = ()

    def __init__(
        self,
        recorder: "Recorder",
        scope: InstrumentationScope,
        name: str,
        kind_number: int,
        trace_id: int,
        span_id: int,
        parent: Identified | Parent | None,
        flags: int,
    ) -> None:
        self.recorder = recorder
        self.instrumentation_scope = scope
        self.name: str = name
        self.kind_number = kind_number
        self.trace_id = trace_id
        self.span_id = span_id
        self.flags = flags
        if parent is None:
            self.parent_id: int = 0
            self.parent_is_remote: bool = False
            self.state: str = ""
        else:
            self.parent_id = parent.span_id
            self.parent_is_remote = type(parent) is Parent and parent.remote
            self.state = parent.state
        self.family: Family | None = None
        self.shared = NO_ATTRIBUTES
        self.own: dict[str, telemetry.AttributeValue] = {}
        self.status_code: int = UNSET
        self.status_description = None
        self.end_time = None
        self.dropped_attributes: int = 0
        self.dropped_events: int = 0
        self.dropped_links: int = 0
        self._events = self._links = self._ids = self._context = None
        self.start_time: int = time_ns()

    def is_recording(self) -> bool:
        """Say whether it lasts."""
        return self.end_time is None

    def set_attribute(self, key: str, value: Any) -> None:  # noqa: ANN401 - users pass anything
        """Add or replace one attribute; a value that OpenTelemetry has no type for is dropped."""
        if self.end_time is not None:
            return
        limits, own = self.recorder.limits, self.own
        if type(value) not in _SCALARS or limits.value_length is not None:
            value = cleaned(value, limits.value_length)
        if value is None or not key or (len(own) >= limits.attributes and key not in own):
            self.dropped_attributes += 1
            return
        own[key] = value

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Add or replace several."""
        limits = self.recorder.limits
        is_plain = limits.value_length is None and _SCALARS.issuperset(map(type, attributes.values()))
        if is_plain and self.end_time is None and len(attributes) + len(self.own) <= limits.attributes:
            self.own.update(attributes)
            return
        for key, value in attributes.items():
            self.set_attribute(key, value)

    def update_name(self, name: str) -> None:
        """Replace the name."""
        if self.end_time is None:
            self.name = name

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Note what happened, and when."""
        if self.end_time is not None:
            return
        limits = self.recorder.limits
        if self._events is None:
            self._events = []
        if len(self._events) >= limits.events:
            self.dropped_events += 1
            return
        self._events.append(SpanEvent(name, self._bounded(attributes), timestamp or time_ns()))

    def add_link(self, context: trace.SpanContext, attributes: Attributes = None) -> None:
        """Say that it has to do with another span."""
        if self.end_time is not None or not context.is_valid:
            return
        if self._links is None:
            self._links = []
        if len(self._links) >= self.recorder.limits.links:
            self.dropped_links += 1
            return
        self._links.append(SpanLink(context, self._bounded(attributes)))

    def set_status(self, status: trace.Status | trace.StatusCode, description: str | None = None) -> None:
        """Say how it went: OK is final, and no description goes with it."""
        code = status if isinstance(status, trace.StatusCode) else status.status_code
        if isinstance(status, trace.Status):
            description = status.description
        if self.end_time is not None or self.status_code == OK or code is trace.StatusCode.UNSET:
            return
        self.status_code = CODES.index(code)
        self.status_description = description if self.status_code == ERROR else None

    def fail(self, error: BaseException | str) -> None:
        """Mark it as failed, and set `error.type`; an exception is recorded as an event."""
        if self.end_time is not None:
            return
        if isinstance(error, str):
            self.set_attribute("error.type", error)
        else:
            self.set_attribute("error.type", type_name(error))
            self.record_exception(error)
        if self.status_code != OK:
            self.status_code = ERROR

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: ARG002, FBT001, FBT002 - OpenTelemetry's signature; deprecated in the conventions
    ) -> None:
        """Note an exception as an event, with known secrets masked; it fails nothing by itself."""
        if self.end_time is None:
            self.add_event("exception", {**describe(exception), **(attributes or {})}, timestamp)

    def end(self, end_time: int | None = None) -> None:
        """End it and hand it on; nothing changes it afterwards."""
        if self.end_time is not None:
            return
        now = time_ns() if end_time is None else end_time
        self.end_time = max(now, self.start_time)  # the clock may be set back
        self._mask()
        self.recorder.end(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End it; an exception fails it, unless it says to stop."""
        if isinstance(error, Exception):
            self.fail(error)
        self.end()

    def _bounded(self, attributes: Mapping[str, Any] | None) -> dict[str, telemetry.AttributeValue]:
        """Make the attributes of an event or a link."""
        limits = self.recorder.limits
        found: dict[str, telemetry.AttributeValue] = {}
        for key, given in (attributes or {}).items():
            value = cleaned(given, limits.value_length)
            if value is not None and len(found) < limits.attributes:
                found[key] = value
        return found

    def _mask(self) -> None:
        """Mask secrets."""
        if self._events is None and self.status_description is None and are_clean(self.name, self.own.values()):
            return
        self.name = redact(self.name)
        self.own = {key: masked(value) for key, value in self.own.items()}
        if self.status_description is not None:
            self.status_description = redact(self.status_description)
        if self._events is not None:
            self._events = [
                event._replace(
                    name=redact(event.name), attributes={key: masked(value) for key, value in event.attributes.items()}
                )
                for event in self._events
            ]
