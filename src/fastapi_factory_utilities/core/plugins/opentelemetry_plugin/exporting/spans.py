"""Ended spans as OTLP, in the very form that OpenTelemetry's SDK gives them."""

from collections.abc import Iterable, Sequence
from struct import Struct
from time import sleep
from typing import TYPE_CHECKING, Any, Final

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.scopes import encode_scope, resource_field
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.values import AttributeEncoder
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.wire import (
    FIXED32,
    FIXED64,
    delimited,
    text,
    varint,
)

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.events import SpanEvent, SpanLink
    from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.span import LightSpan

__all__ = ["SpanEncoder"]

_TIMES: Final = Struct("<BQBQ").pack
_START_TIME: Final = 0x39
_END_TIME: Final = 0x41
_KINDS: Final = tuple(b"\x30" + varint(number + 1) for number in range(5))
_LOCAL: Final = FIXED32(0x100)  # whether it is remote is known (bit 8): it is not (bit 9)
_REMOTE: Final = FIXED32(0x300)
_END_LOCAL: Final = b"\x85\x01" + _LOCAL
_END_REMOTE: Final = b"\x85\x01" + _REMOTE
_UNSET_END_LOCAL: Final = b"\x7a\x00" + _END_LOCAL
_UNSET_END_REMOTE: Final = b"\x7a\x00" + _END_REMOTE
_BREATH: Final = 32  # spans, about 0.2 ms, after which the event loop may have the interpreter
_KEPT_NAMES: Final = 2048


class SpanEncoder:
    """Encodes batches of spans as `ExportTraceServiceRequest`. For one thread only.

    Args:
        resource: Whose spans they are: what has `attributes` and `schema_url` as OpenTelemetry's `Resource` has.

    Attributes:
        failed: How many spans could not be encoded, and were left out.
    """

    def __init__(self, resource: Any) -> None:  # noqa: ANN401 - see above
        self.failed: int = 0
        self._resource, self._schema = resource_field(resource)
        self._attributes = AttributeEncoder(b"\x4a")
        self._of_events = AttributeEncoder(b"\x1a")
        self._of_links = AttributeEncoder(b"\x22")
        self._scopes: dict[Any, tuple[bytes, bytes]] = {}
        self._names: dict[str, bytes] = {}

    def encode(self, spans: "Iterable[LightSpan]") -> bytes:
        """Encode one batch."""
        by_scope: dict[Any, list[bytes]] = {}
        scope: Any = None
        fields: list[bytes] = []
        for number, span in enumerate(spans, start=1):
            if span.instrumentation_scope is not scope:
                scope = span.instrumentation_scope
                fields = by_scope.setdefault(scope, [])
            try:
                fields.append(self._span(span))
            except Exception:  # noqa: BLE001 - of whatever a user's instrumentation put into a span; counted
                self.failed += 1
            if not number % _BREATH:
                sleep(0)
        scopes = b"".join([self._scope(key, found) for key, found in by_scope.items() if found])
        return delimited(b"\x0a", self._resource + scopes + self._schema)

    def _scope(self, scope: Any, fields: Sequence[bytes]) -> bytes:  # noqa: ANN401 - OpenTelemetry's, or `None`
        known = self._scopes.get(scope)
        if known is None:
            known = self._scopes[scope] = encode_scope(scope)
        return delimited(b"\x12", known[0] + b"".join(fields) + known[1])

    def _span(self, span: "LightSpan") -> bytes:
        named = self._names.get(span.name)
        if named is None:
            named = self._name(span.name)
        state, parent_id = span.state, span.parent_id
        head = b"\x0a\x10" + span.trace_id.to_bytes(16, "big") + b"\x12\x08" + span.span_id.to_bytes(8, "big")
        if state:
            head += delimited(b"\x1a", text(state))
        if parent_id:
            head += b"\x22\x08" + parent_id.to_bytes(8, "big")
        times = _TIMES(_START_TIME, span.start_time, _END_TIME, span.end_time or 0)
        shared, own = span.shared, span.own
        if not shared:
            attributes = self._attributes.encode(own)
        elif shared.keys().isdisjoint(own):
            said = shared.encoded
            if said is None:
                said = shared.encoded = self._attributes.encode(shared)
            attributes = said + self._attributes.encode(own)
        else:
            attributes = self._attributes.encode(span.attributes)
        if (
            span.status_code == 0
            and not (span.events or span.links)
            and not (span.dropped_attributes or span.dropped_events or span.dropped_links)
        ):
            tail = _UNSET_END_REMOTE if span.parent_is_remote else _UNSET_END_LOCAL
        else:
            tail = self._tail(span)
        content = head + named + _KINDS[span.kind_number] + times + attributes + tail
        return b"\x12" + varint(len(content)) + content

    def _name(self, name: str) -> bytes:
        if len(self._names) >= _KEPT_NAMES:
            self._names.clear()
        field = self._names[name] = delimited(b"\x2a", text(name))
        return field

    def _tail(self, span: "LightSpan") -> bytes:
        """Encode what most spans do not have."""
        parts: list[bytes] = []
        if span.dropped_attributes:
            parts.append(b"\x50" + varint(span.dropped_attributes))
        parts += map(self._event, span.events)
        if span.dropped_events:
            parts.append(b"\x60" + varint(span.dropped_events))
        parts += map(self._link, span.links)
        if span.dropped_links:
            parts.append(b"\x70" + varint(span.dropped_links))
        said = delimited(b"\x12", text(span.status_description)) if span.status_description else b""
        code = b"\x18" + varint(span.status_code) if span.status_code else b""
        parts += delimited(b"\x7a", said + code), _END_REMOTE if span.parent_is_remote else _END_LOCAL
        return b"".join(parts)

    def _event(self, event: "SpanEvent") -> bytes:
        attributes = self._of_events.encode(event.attributes)
        content = b"\x09" + FIXED64(event.timestamp) + delimited(b"\x12", text(event.name)) + attributes
        return delimited(b"\x5a", content)

    def _link(self, link: "SpanLink") -> bytes:
        context = link.context
        ids = b"\x0a\x10" + context.trace_id.to_bytes(16, "big") + b"\x12\x08" + context.span_id.to_bytes(8, "big")
        flags = b"\x35" + (_REMOTE if context.is_remote else _LOCAL)
        return delimited(b"\x6a", ids + self._of_links.encode(link.attributes) + flags)
