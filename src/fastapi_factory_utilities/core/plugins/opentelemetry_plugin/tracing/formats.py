"""How headers carry a trace: W3C Trace Context, B3 and W3C Baggage, each read and written; nothing invalid passes.

Sources: https://www.w3.org/TR/trace-context-2/, https://github.com/openzipkin/b3-propagation,
https://www.w3.org/TR/baggage/.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.identity import SAMPLED, Parent

__all__ = ["read_b3", "read_b3_multi", "read_baggage", "read_trace_context", "write_baggage"]

_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_MOST_STATE: Final = 32  # members, of 256 characters each
_STATE_MEMBER: Final = re.compile(
    r"[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)
_B3: Final = re.compile(r"([0-9a-f]{32}|[0-9a-f]{16})-([0-9a-f]{16})(?:-([01d])(?:-[0-9a-f]{16})?)?")
_B3_TRACE: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{16}")
_B3_SPAN: Final = re.compile(r"[0-9a-f]{16}")
_YES: Final = frozenset({"1", "d", "true"})
_NO: Final = frozenset({"0", "false"})
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_MOST_BAGGAGE: Final = 8192  # characters in all, of the 64 entries that everybody has to pass on
_MOST_ENTRIES: Final = 64
_VALUE_SAFE: Final = "!#$&'()*+-./:<=>?@[]^_`{|}~"


def read_trace_context(parent: str, state: str = "") -> Parent | None:
    """Read `traceparent` and `tracestate`.

    Args:
        parent: The first.
        state: The second; one that breaks the rules is dropped as a whole, as the standard says.
    """
    match = _TRACEPARENT.fullmatch(parent) or _TRACEPARENT.fullmatch(parent.strip(" \t"))
    if match is None:
        return None
    version, trace, span, flags, rest = match.groups()
    trace_id, span_id = int(trace, 16), int(span, 16)
    if version == "ff" or (rest and version == "00") or not trace_id or not span_id:
        return None
    return Parent(trace_id, span_id, SAMPLED if flags == "01" else int(flags, 16), _state(state) if state else "")


def _state(text: str) -> str:
    members = [member for part in text.split(",") if (member := part.strip(" \t"))]
    keys = {member.partition("=")[0] for member in members}
    if len(members) > _MOST_STATE or len(keys) < len(members) or not all(map(_STATE_MEMBER.fullmatch, members)):
        return ""
    return ",".join(members)


def read_b3(text: str) -> Parent | None:
    """Read B3 in one header; `0` alone only says that the trace is not to be recorded."""
    text = text.strip().lower()
    if text in _NO:
        return Parent(0, 0, 0)
    match = _B3.fullmatch(text)
    return None if match is None else _b3(match[1], match[2], match[3] or "")


def read_b3_multi(headers: Mapping[str, str]) -> Parent | None:
    """Read B3 in several headers, the names in small letters."""
    trace_id = headers.get("x-b3-traceid", "").strip().lower()
    span_id = headers.get("x-b3-spanid", "").strip().lower()
    sampled = "d" if headers.get("x-b3-flags") == "1" else headers.get("x-b3-sampled", "").strip().lower()
    if not trace_id and not span_id:
        return Parent(0, 0, 0) if sampled in _NO else None
    if _B3_TRACE.fullmatch(trace_id) and _B3_SPAN.fullmatch(span_id):
        return _b3(trace_id, span_id, sampled)
    return None


def _b3(trace_id: str, span_id: str, sampled: str) -> Parent | None:
    """Make the parent; a decision that was put off is taken here, as if the trace began here: by taking it."""
    ids = int(trace_id, 16), int(span_id, 16)
    if not all(ids):
        return None
    return Parent(*ids, 0 if sampled in _NO else SAMPLED)


def read_baggage(text: str) -> dict[str, str]:
    """Read `baggage`; its properties are dropped, and so is whatever breaks the rules."""
    found: dict[str, str] = {}
    if len(text) > _MOST_BAGGAGE:
        return found
    for entry in text.split(",", _MOST_ENTRIES)[:_MOST_ENTRIES]:
        key, equals, value = entry.partition(";")[0].partition("=")
        key, value = key.strip(" \t"), value.strip(" \t")
        if equals and _TOKEN.fullmatch(key) and value.isascii() and value.isprintable():
            found[key] = unquote(value)
    return found


def write_baggage(entries: Mapping[str, object]) -> str:
    """Write `baggage`, of as many entries as everybody has to pass on."""
    text = ""
    for key, value in tuple(entries.items())[:_MOST_ENTRIES]:
        entry = f"{key}={quote(str(value), safe=_VALUE_SAFE)}"
        if _TOKEN.fullmatch(key) and len(text) + len(entry) < _MOST_BAGGAGE:
            text = f"{text},{entry}" if text else entry
    return text
