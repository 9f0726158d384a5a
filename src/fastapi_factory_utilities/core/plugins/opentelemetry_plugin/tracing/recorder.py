"""Begins spans, decides whether they are recorded, and hands the ended ones to the sinks."""

from dataclasses import dataclass
from typing import Final

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.attributes import Limits
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.identity import (
    RANDOM,
    SAMPLED,
    Identified,
    Parent,
)
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.ids import new_span_id, new_trace_id
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.sampling import Sampling
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.sinks import SpanSink
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.span import ERROR, LightSpan
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.unsampled import UnsampledSpan

# isort: split
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

__all__ = ["Family", "Keeping", "Recorder"]

_log = get_logger(__name__)

_MOST_MEMBERS: Final = 512  # of one trace, in memory until its end; the first of them tell the most


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept of the traces that are not sampled; to know it at the end, all of them are recorded.

    Attributes:
        errors: Whether those are in which something failed here.
        slow_nanoseconds: Whether those are that lasted this long here; 0 for no.
    """

    errors: bool = False
    slow_nanoseconds: int = 0

    @property
    def anything(self) -> bool:
        """Whether anything is."""
        return self.errors or self.slow_nanoseconds > 0


class Family:
    """The spans of one trace, in this process, that wait for the end of the first of them.

    Attributes:
        root: The first; `None` after its end.
        members: Those that ended before it.
        failed: Whether one of them failed.
        kept: Whether those that end after it are kept, too.
    """

    __slots__ = ("failed", "kept", "members", "root")

    def __init__(self, root: LightSpan) -> None:
        self.root: LightSpan | None = root
        self.members: list[LightSpan] = []
        self.failed: bool = False
        self.kept: bool = False


class Recorder:
    """What the spans of one application have in common.

    Args:
        resource: The service.
        sampling: Which traces are recorded.
        limits: How much one span holds.
        keeping: What is kept of the others.
    """

    def __init__(
        self,
        resource: Resource,
        sampling: Sampling | None = None,
        limits: Limits | None = None,
        keeping: Keeping | None = None,
    ) -> None:
        self.resource = resource
        self.limits: Limits = limits or Limits()
        self._sampling = sampling or Sampling()
        self._keeping = keeping or Keeping()
        self._keeps = self._keeping.anything
        self._sinks: tuple[SpanSink, ...] = ()
        self._told = False

    def add(self, sink: SpanSink) -> None:
        """Hand ended spans to this one, too."""
        self._sinks = (*self._sinks, sink)

    def remove(self, sink: SpanSink) -> None:
        """Do so no more."""
        self._sinks = tuple(each for each in self._sinks if each is not sink)

    def begin(
        self, scope: InstrumentationScope, name: str, kind_number: int, parent: Identified | Parent | None
    ) -> LightSpan | UnsampledSpan:
        """Begin a span: the decision comes first, and what is not recorded costs next to nothing.

        Below a span of this process that is not recorded there is only that span itself.

        Args:
            scope: Who asks.
            name: Its name.
            kind_number: Its kind, as `core.telemetry.SpanKind` numbers them.
            parent: What it descends from; `None` begins a trace.
        """
        if parent is None:
            trace_id, flags = new_trace_id(), 0
            sampled = self._sampling.decide(trace_id, None)
        elif type(parent) is LightSpan and parent.recorder is self:
            child = LightSpan(self, scope, name, kind_number, parent.trace_id, new_span_id(), parent, parent.flags)
            child.family = parent.family
            return child
        elif type(parent) is UnsampledSpan:
            return parent
        else:
            trace_id, flags = parent.trace_id or new_trace_id(), parent.flags & RANDOM
            sampled = self._sampling.decide(trace_id, bool(parent.flags & SAMPLED))
            parent = parent if parent.trace_id else None
        if sampled:
            return LightSpan(self, scope, name, kind_number, trace_id, new_span_id(), parent, SAMPLED | flags)
        if not self._keeps:
            return UnsampledSpan(trace_id, new_span_id(), flags, parent.state if parent is not None else "")
        span = LightSpan(self, scope, name, kind_number, trace_id, new_span_id(), parent, flags)
        span.family = Family(span)
        return span

    def end(self, span: LightSpan) -> None:
        """Take a span that has just ended."""
        family = span.family
        if family is None:
            self._deliver(span)
        elif family.root is None:
            if family.kept:
                self._deliver(span)
        elif family.root is not span:
            family.failed = family.failed or span.status_code == ERROR
            if len(family.members) < _MOST_MEMBERS:
                family.members.append(span)
        else:
            self._end_family(family, span)

    def _end_family(self, family: Family, root: LightSpan) -> None:
        family.root = None
        members, family.members = family.members, []
        slow = self._keeping.slow_nanoseconds
        lasted = (root.end_time or 0) - root.start_time
        family.kept = (self._keeping.errors and (family.failed or root.status_code == ERROR)) or 0 < slow <= lasted
        if family.kept:
            for span in (*members, root):
                self._deliver(span)

    def _deliver(self, span: LightSpan) -> None:
        for sink in self._sinks:
            try:
                sink.on_end(span)
            except Exception as error:  # noqa: BLE001 - telemetry must not fail what it tells of
                if not self._told:
                    self._told = True
                    _log.error("span sink failed", sink=type(sink).__name__, exc_info=error)
