"""The face of a recorded span: what it holds, as an SDK's `ReadableSpan` shows it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from fastapi_factory_utilities.core import telemetry
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.attributes import SharedAttributes
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.events import SpanEvent, SpanLink
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.identity import Identified, Parent

# isort: split
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.recorder import Family, Recorder

__all__ = ["CODES", "Recorded"]

_KINDS: Final = tuple(trace.SpanKind)
CODES: Final = tuple(trace.StatusCode)


class Recorded(Identified):
    """One recorded operation. What costs something is made only when somebody asks.

    Attributes:
        name: Its name.
        kind_number: Its kind, as `core.telemetry.SpanKind` numbers them.
        parent_id: The parent's span id; 0 for the root of a trace.
        parent_is_remote: Whether the parent is another process's.
        start_time: Nanoseconds since 1970.
        end_time: The same; `None` as long as it lasts.
        shared: Attributes that it has in common with many spans; `own` beats them.
        own: The attributes that are its own.
        status_code: 0 unset, 1 ok, 2 error.
        status_description: What went wrong, for an error.
        instrumentation_scope: Who made it.
        recorder: What it belongs to.
        family: What it shares with the other spans of its trace in this process, when those are kept until the end.
        dropped_attributes: How many attributes were too many, or could not be told.
        dropped_events: How many events were too many.
        dropped_links: How many links were too many.
    """

    __slots__ = (
        "_events",
        "_links",
        "dropped_attributes",
        "dropped_events",
        "dropped_links",
        "end_time",
        "family",
        "instrumentation_scope",
        "kind_number",
        "name",
        "own",
        "parent_id",
        "parent_is_remote",
        "recorder",
        "shared",
        "start_time",
        "status_code",
        "status_description",
    )

    name: str
    kind_number: int
    parent_id: int
    parent_is_remote: bool
    start_time: int
    end_time: int | None
    shared: SharedAttributes
    own: dict[str, telemetry.AttributeValue]
    status_code: int
    status_description: str | None
    instrumentation_scope: InstrumentationScope
    recorder: "Recorder"
    family: "Family | None"
    dropped_attributes: int
    dropped_events: int
    dropped_links: int
    _events: list[SpanEvent] | None
    _links: list[SpanLink] | None

    @property
    def attributes(self) -> Mapping[str, telemetry.AttributeValue]:
        """All attributes."""
        return {**self.shared, **self.own} if self.shared else self.own

    @property
    def events(self) -> Sequence[SpanEvent]:
        """What happened."""
        return tuple(self._events) if self._events else ()

    @property
    def links(self) -> Sequence[SpanLink]:
        """What else it has to do with."""
        return tuple(self._links) if self._links else ()

    @property
    def context(self) -> trace.SpanContext:
        """OpenTelemetry's form of its ids."""
        return self.get_span_context()

    @property
    def parent(self) -> trace.SpanContext | None:
        """OpenTelemetry's form of the parent's ids; `None` for the root of a trace."""
        if not self.parent_id:
            return None
        return Parent(self.trace_id, self.parent_id, self.flags, self.state, self.parent_is_remote).context()

    @property
    def kind(self) -> trace.SpanKind:
        """OpenTelemetry's form of its kind."""
        return _KINDS[self.kind_number]

    @property
    def status(self) -> trace.Status:
        """OpenTelemetry's form of how it went."""
        return trace.Status(CODES[self.status_code], self.status_description)

    @property
    def resource(self) -> Resource:
        """The service that made it."""
        return self.recorder.resource

    def __repr__(self) -> str:
        trace_id, span_id = self.ids
        return f"LightSpan({self.name!r}, trace_id={trace_id}, span_id={span_id}, parent_id={self.parent_id:016x})"
