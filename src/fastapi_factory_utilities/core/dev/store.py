"""What is remembered: the last requests, and the spans and log lines of the last traces; all of it bounded."""

import os
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from time import time
from typing import Any, Final, NamedTuple

__all__ = ["LINES_OF_A_TRACE", "REQUESTS", "SPANS_OF_A_TRACE", "Line", "Store", "Trace", "Work"]

REQUESTS: Final = 200
SPANS_OF_A_TRACE: Final = 500
LINES_OF_A_TRACE: Final = 300
_TRACES: Final = 400
_SPANS: Final = 10_000  # of all traces together
_LINES: Final = 5_000


class Line(NamedTuple):
    """One log line, without a secret in it.

    Attributes:
        at: When, in seconds of the epoch.
        level: Its level's name.
        logger: Who says so.
        event: What happened.
        facts: Its keys and plain values.
    """

    at: float
    level: str
    logger: str
    event: str
    facts: Mapping[str, Any]


class Trace:
    """What is known of one trace.

    Attributes:
        spans: Ended spans, in the order of their end.
        lines: Log lines, in their order.
        more_spans: How many spans there was no room for.
        more_lines: The same of lines; those that are kept are the first ones.
    """

    __slots__ = ("lines", "more_lines", "more_spans", "spans")

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.lines: list[Line] = []
        self.more_spans: int = 0
        self.more_lines: int = 0


@dataclass(slots=True, eq=False)
class Work:
    """A unit of work that came from outside: a request, a WebSocket session, a message, a task.

    Attributes:
        kind: `request`, `websocket`, `message` (which a task is as well) or `job`.
        title: The path, or the span's name.
        method: The HTTP method.
        query: The names in its query; their values are not kept.
        route: The template of the route.
        client: The client's address.
        started_at: In seconds of the epoch.
        seconds: How long it took; `None` while it goes on.
        status: The HTTP status; 0 before there is one. The close code of a WebSocket.
        octets: Of the answer's body.
        failed: Whether an exception ended it, or its status says that the service failed.
        disconnected: The client left before the answer was complete.
        scope: The ASGI scope, while it goes on.
        trace_id: Which trace it belongs to, in hexadecimal; empty while nobody knows.
        request_id: The id of the request that its log lines carry, if they carry one.
        number: Which one it is, from 1.
    """

    kind: str
    title: str
    method: str = ""
    query: tuple[str, ...] = ()
    route: str | None = None
    client: str | None = None
    started_at: float = field(default_factory=time)
    seconds: float | None = None
    status: int = 0
    octets: int = 0
    failed: bool = False
    disconnected: bool = False
    scope: Mapping[str, Any] | None = None
    trace_id: str = ""
    request_id: str = ""
    number: int = 0


class Store:
    """Remembers the latest; may be used from any thread.

    Attributes:
        life: Tells this one from those before a restart.
        version: A number that grows with whatever is remembered.
    """

    def __init__(self) -> None:
        self.life: str = os.urandom(8).hex()
        self.version: int = 0
        self._lock = Lock()
        self._works: deque[Work] = deque(maxlen=REQUESTS)
        self._count = 0
        self._traces: OrderedDict[str, Trace] = OrderedDict()
        self._spans = 0
        self._lines = 0

    @property
    def works(self) -> list[Work]:
        """The last units of work, oldest first."""
        with self._lock:
            return list(self._works)

    def add(self, work: Work) -> None:
        """Remember a unit of work, and number it."""
        with self._lock:
            self._count += 1
            work.number = self._count
            self._works.append(work)
            self.version += 1

    def changed(self) -> None:
        """Say that a unit of work has changed."""
        with self._lock:
            self.version += 1

    def find(self, number: int) -> Work | None:
        """Find a unit of work by its number."""
        return next((work for work in self.works if work.number == number), None)

    def trace(self, trace_id: str) -> Trace:
        """Return a copy of what is known of a trace; of an unknown one, nothing."""
        copy = Trace()
        with self._lock:
            known = self._traces.get(trace_id)
            if known is not None:
                copy.spans, copy.lines = list(known.spans), list(known.lines)
                copy.more_spans, copy.more_lines = known.more_spans, known.more_lines
        return copy

    def add_span(self, trace_id: str, span: object) -> None:
        """Remember an ended span."""
        with self._lock:
            trace = self._touched(trace_id)
            if len(trace.spans) < SPANS_OF_A_TRACE:
                trace.spans.append(span)
                self._spans += 1
            else:
                trace.more_spans += 1
            self._forget_what_is_too_much()

    def add_line(self, trace_id: str, line: Line) -> None:
        """Remember a log line."""
        with self._lock:
            trace = self._touched(trace_id)
            if len(trace.lines) < LINES_OF_A_TRACE:
                trace.lines.append(line)
                self._lines += 1
            else:
                trace.more_lines += 1
            self._forget_what_is_too_much()

    def _touched(self, trace_id: str) -> Trace:
        self.version += 1
        trace = self._traces.setdefault(trace_id, Trace())
        self._traces.move_to_end(trace_id)
        return trace

    def _forget_what_is_too_much(self) -> None:
        while len(self._traces) > _TRACES or self._spans > _SPANS or self._lines > _LINES:
            _, oldest = self._traces.popitem(last=False)
            self._spans -= len(oldest.spans)
            self._lines -= len(oldest.lines)
