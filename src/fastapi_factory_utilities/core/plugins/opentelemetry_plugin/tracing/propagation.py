"""Carries traces and baggage from one process to the next, in headers of requests and messages."""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.current import holds_more_than_a_span
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.formats import (
    read_b3,
    read_b3_multi,
    read_baggage,
    read_trace_context,
    write_baggage,
)
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.identity import SAMPLED, Identified, Parent

# isort: split
from opentelemetry import baggage
from opentelemetry.context import Context

__all__ = ["Format", "Incoming", "Propagation"]

type Format = Literal["tracecontext", "baggage", "b3", "b3multi"]

_HEADERS: Final[dict[str, tuple[str, ...]]] = {
    "tracecontext": ("traceparent", "tracestate"),
    "b3": ("b3",),
    "b3multi": ("x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"),
    "baggage": ("baggage",),
}
_LISTS: Final = frozenset({"tracestate", "baggage"})  # several headers of these make one list


class Incoming(NamedTuple):
    """What came along with a request or a message.

    Attributes:
        parent: The span that caused it, if it was said.
        entries: Its baggage.
    """

    parent: Parent | None = None
    entries: Mapping[str, str] | None = None

    def onto(self, context: Context) -> Context:
        """Return a context with this baggage instead of the one that is in it."""
        if self.entries is None:
            return context
        context = baggage.clear(context)
        for key, value in self.entries.items():
            context = baggage.set_baggage(key, value, context)
        return context


_NOTHING: Final = Incoming()


class Propagation:
    """Reads and writes some of the formats.

    Args:
        formats: Which; of those that say the parent the first in this order counts: `tracecontext`, `b3`, `b3multi`.
            Who reads `b3` reads `b3multi`, too.
    """

    def __init__(self, formats: Sequence[str] = ("tracecontext", "baggage", "b3")) -> None:
        self._writes = frozenset(formats)
        reads = self._writes | ({"b3multi"} if "b3" in formats else set())
        names = [name for kind in _HEADERS if kind in reads for name in _HEADERS[kind]]
        self._names = tuple(names)
        self._octets: dict[bytes, str] = {name.encode(): name for name in names}

    def from_asgi(self, headers: Iterable[tuple[bytes, bytes]]) -> Incoming:
        """Read the headers of an ASGI scope; the names are in small letters already."""
        names = self._octets
        found: dict[str, str] | None = None
        for key, value in headers:
            if key in names:
                if found is None:
                    found = {}
                _collect(found, names[key], value.decode("latin-1"))
        return _NOTHING if found is None else self._read(found)

    def extract(self, carrier: Mapping[str, Any]) -> Incoming:
        """Read the headers of a message or request, whatever the case of their names; values are text or bytes."""
        if not carrier or not self._names:
            return _NOTHING
        found: dict[str, str] = {}
        for key, value in carrier.items():
            name = str(key).lower()
            if name in self._names:
                text = value.decode("latin-1") if isinstance(value, bytes) else value
                if isinstance(text, str):
                    _collect(found, name, text)
        return self._read(found) if found else _NOTHING

    def inject(self, carrier: MutableMapping[str, Any], span: Identified | Parent | None, context: Context) -> None:
        """Write a span, and the baggage of a context, into headers."""
        writes = self._writes
        if span is not None and span.trace_id:
            if isinstance(span, Identified):
                trace_id, span_id = span.ids
            else:
                trace_id, span_id = f"{span.trace_id:032x}", f"{span.span_id:016x}"
            if "tracecontext" in writes:
                carrier["traceparent"] = f"00-{trace_id}-{span_id}-{span.flags:02x}"
                if span.state:
                    carrier["tracestate"] = span.state
            if "b3" in writes:
                carrier["b3"] = f"{trace_id}-{span_id}-{span.flags & SAMPLED}"
            if "b3multi" in writes:
                carrier["X-B3-TraceId"] = trace_id
                carrier["X-B3-SpanId"] = span_id
                carrier["X-B3-Sampled"] = str(span.flags & SAMPLED)
        if (
            holds_more_than_a_span(context)
            and "baggage" in writes
            and (text := write_baggage(baggage.get_all(context)))
        ):
            carrier["baggage"] = text

    def _read(self, found: Mapping[str, str]) -> Incoming:
        text = found.get("traceparent")
        parent = None if text is None else read_trace_context(text, found.get("tracestate", ""))
        if parent is None and (text is None or len(found) > 1):
            parent = read_b3(found["b3"]) if "b3" in found else read_b3_multi(found)
        return Incoming(parent, read_baggage(found["baggage"]) if "baggage" in found else None)


def _collect(found: dict[str, str], name: str, text: str) -> None:
    if name not in found:
        found[name] = text
    elif name in _LISTS:
        found[name] = f"{found[name]},{text}"
    else:
        found[name] = ""  # said twice, and so not to be trusted
