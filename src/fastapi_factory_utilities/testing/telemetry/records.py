"""A span as tests look at it: plain values, wherever it was captured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi_factory_utilities.core.telemetry import SpanKind

__all__ = ["EventRecord", "LinkRecord", "SpanRecord", "record_of"]


@dataclass(frozen=True, slots=True)
class EventRecord:
    """What happened during a span.

    Attributes:
        name: What.
        attributes: The details.
        time_ns: When, in nanoseconds since 1970.
    """

    name: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    time_ns: int = 0


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """Another span that has to do with this one without being its parent.

    Attributes:
        trace_id: Its trace, in hexadecimal.
        span_id: Its id, in hexadecimal.
        attributes: The details.
    """

    trace_id: str
    span_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """One ended span.

    Attributes:
        name: Its name.
        trace_id: Its trace, 32 hexadecimal digits.
        span_id: Its id, 16 hexadecimal digits.
        parent_id: The id of its parent; `None` for the root of a trace.
        parent_is_remote: Whether the parent came in with a request or message; `None` where that is not told.
        kind: Its role between services.
        start_ns: When it began, in nanoseconds since 1970.
        end_ns: When it ended.
        attributes: What is known of it.
        events: What happened during it.
        links: What it has to do with.
        status: "unset", "ok" or "error".
        status_description: What the status says beyond that.
        resource: Who made it: `service.name` and the like.
        scope: The instrumentation that made it.
    """

    name: str
    trace_id: str = ""
    span_id: str = ""
    parent_id: str | None = None
    parent_is_remote: bool | None = None
    kind: SpanKind = SpanKind.INTERNAL
    start_ns: int = 0
    end_ns: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[EventRecord, ...] = ()
    links: tuple[LinkRecord, ...] = ()
    status: str = "unset"
    status_description: str = ""
    resource: Mapping[str, Any] = field(default_factory=dict)
    scope: str = ""

    @property
    def duration_ms(self) -> float:
        """How long it took, in milliseconds."""
        return (self.end_ns - self.start_ns) / 1e6


def record_of(span: Any) -> SpanRecord:  # noqa: ANN401 - spans of several makers, which share no type
    """Make a record of a span that reads like one of OpenTelemetry's SDK (`ReadableSpan`)."""
    if isinstance(span, SpanRecord):
        return span
    context, parent, status = span.context, span.parent, span.status
    scope = span.instrumentation_scope
    return SpanRecord(
        name=span.name,
        trace_id=f"{context.trace_id:032x}",
        span_id=f"{context.span_id:016x}",
        parent_id=None if parent is None else f"{parent.span_id:016x}",
        parent_is_remote=None if parent is None else bool(parent.is_remote),
        kind=SpanKind(span.kind.value),
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        attributes=dict(span.attributes or {}),
        events=tuple(EventRecord(event.name, dict(event.attributes or {}), event.timestamp) for event in span.events),
        links=tuple(
            LinkRecord(f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}", dict(link.attributes or {}))
            for link in span.links
        ),
        status=status.status_code.name.lower(),
        status_description=status.description or "",
        resource=dict(span.resource.attributes) if span.resource is not None else {},
        scope=scope.name if scope is not None else "",
    )
