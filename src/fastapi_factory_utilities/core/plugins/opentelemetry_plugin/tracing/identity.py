"""What spans are to each other: ids, flags and state, as ours have them and as others read them."""

from typing import Any, Final, NamedTuple

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import required  # noqa: F401 - says how to install it

# isort: split
from opentelemetry.trace import INVALID_SPAN, Span, SpanContext, TraceFlags, TraceState

__all__ = ["FLAGS", "RANDOM", "SAMPLED", "Identified", "Parent", "parent_of", "state_of"]

SAMPLED: Final = 1
RANDOM: Final = 2
"""Says of a trace's id that it is random; whoever began the trace says it, and everybody passes it on."""

FLAGS: Final = tuple(TraceFlags(number) for number in range(256))


class Parent(NamedTuple):
    """What is known of a span of another process, or of another library.

    Attributes:
        trace_id: Its trace; 0 when only the decision came along (`b3: 0`).
        span_id: Itself.
        flags: W3C's trace flags; bit 0 says that it is sampled.
        state: W3C's `tracestate`, as a header has it.
        remote: Whether it is another process's.
    """

    trace_id: int
    span_id: int
    flags: int
    state: str = ""
    remote: bool = True

    @property
    def sampled(self) -> bool:
        """Whether it is recorded."""
        return bool(self.flags & SAMPLED)

    def context(self) -> SpanContext:
        """Return OpenTelemetry's form of it."""
        return SpanContext(
            self.trace_id,
            self.span_id,
            is_remote=self.remote,
            trace_flags=FLAGS[self.flags],
            trace_state=state_of(self),
        )


class Identified:
    """The part that a span's descendants see. OpenTelemetry's forms of it are made only when somebody asks.

    Attributes:
        trace_id: The trace.
        span_id: The span.
        flags: W3C's trace flags; bit 0 says that it is sampled.
        state: W3C's `tracestate`, as a header has it.
    """

    __slots__ = ("_context", "_ids", "flags", "span_id", "state", "trace_id")

    trace_id: int
    span_id: int
    flags: int
    state: str
    _ids: tuple[str, str] | None
    _context: SpanContext | None

    @property
    def ids(self) -> tuple[str, str]:
        """Trace id and span id in hexadecimal."""
        ids = self._ids
        if ids is None:
            ids = self._ids = (self.trace_id.to_bytes(16).hex(), self.span_id.to_bytes(8).hex())
        return ids

    def get_span_context(self) -> SpanContext:
        """Return OpenTelemetry's form of the ids."""
        context = self._context
        if context is None:
            context = self._context = SpanContext(
                self.trace_id, self.span_id, is_remote=False, trace_flags=FLAGS[self.flags], trace_state=state_of(self)
            )
        return context


def state_of(origin: Identified | Parent) -> TraceState:
    """Return OpenTelemetry's form of a `tracestate`."""
    return TraceState.from_header([origin.state]) if origin.state else TraceState.get_default()


def parent_of(span: Any) -> Identified | Parent | None:  # noqa: ANN401 - what somebody put into the context
    """Say what a new span below the given one descends from; `None` if that is no span, or an invalid one."""
    if isinstance(span, Identified):
        return span
    if span is None or span is INVALID_SPAN or not isinstance(span, Span):
        return None
    context = span.get_span_context()
    if not context.is_valid:
        return None
    return Parent(
        context.trace_id, context.span_id, context.trace_flags, context.trace_state.to_header(), context.is_remote
    )
