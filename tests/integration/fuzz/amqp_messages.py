"""Hostile messages: properties and headers as no client library would write them, and bodies that are no JSON."""

import json
import struct
from collections.abc import Mapping
from typing import Final, NamedTuple, cast

from hypothesis import strategies as st

from tests.integration.fuzz.documents import documents
from tests.integration.fuzz.raw_amqp import properties, table

__all__ = ["HostileMessage", "deep_header", "hostile_messages", "order"]


class HostileMessage(NamedTuple):
    """What goes over the wire."""

    properties: bytes
    body: bytes


def order(number: int) -> bytes:
    """A body that is as it should be."""
    return json.dumps({"number": number}).encode()


def _long(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack(">I", len(content)) + content


def deep_header(levels: int) -> bytes:
    """An array in an array in an array."""
    written = b"V"
    for _ in range(levels):
        written = _long(b"A", written)
    return written


_TIMES: Final = st.sampled_from([0, 1, 1_700_000_000, 1_700_000_000_000, 1_700_000_000_000_000_000, 2**63, 2**64 - 1])
_FLOATS: Final = st.sampled_from([0.0, float("inf"), float("-inf"), float("nan"), 1e300, -1e-320])

_scalars = st.one_of(
    st.binary(max_size=20).map(lambda content: _long(b"S", content)),
    st.binary(max_size=20).map(lambda content: _long(b"x", content)),
    st.booleans().map(lambda value: b"t" + bytes([value])),
    st.integers(-(2**63), 2**63 - 1).map(lambda value: b"l" + struct.pack(">q", value)),
    st.integers(-(2**31), 2**31 - 1).map(lambda value: b"I" + struct.pack(">i", value)),
    st.integers(0, 255).map(lambda value: b"B" + bytes([value])),
    _FLOATS.map(lambda value: b"d" + struct.pack(">d", value)),
    st.floats(width=32).map(lambda value: b"f" + struct.pack(">f", value)),
    st.builds(
        lambda scale, value: b"D" + struct.pack(">BI", scale, value), st.integers(0, 255), st.integers(0, 2**32 - 1)
    ),
    _TIMES.map(lambda value: b"T" + struct.pack(">Q", value)),
    st.just(b"V"),
    st.just(_long(b"S", b"x" * 5000)),
    st.sampled_from([30, 300, 3000]).map(deep_header),
)
_names = st.sampled_from(
    [
        b"x-attempt",
        b"x-original-exchange",
        b"x-original-routing-key",
        b"x-dead-error",
        b"x-dead-at",
        b"x-death",
        b"x-delivery-count",
        b"traceparent",
        b"tracestate",
        b"baggage",
        b"b3",
        b"X-B3-TraceId",
        b"CC",
        b"\xff\xfe",
        b"",
        b"k" * 255,
    ]
) | st.binary(max_size=12)
_values = st.recursive(
    _scalars,
    lambda children: st.lists(children, max_size=3).map(lambda items: _long(b"A", b"".join(items)))
    | st.lists(st.tuples(st.binary(max_size=5), children), max_size=3).map(lambda items: b"F" + table(items)),
    max_leaves=4,
)
_traces = st.sampled_from(
    [
        b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        b"00-00000000000000000000000000000000-0000000000000000-00",
        b"ff-" + b"g" * 32 + b"-" + b"\xff" * 16 + b"-01",
        b"00-" * 2000,
    ]
).map(lambda text: (b"traceparent", _long(b"S", text)))
_headers = st.lists(st.tuples(_names, _values) | _traces, max_size=4).map(table)

_strings = st.binary(max_size=30) | st.sampled_from([b"", b"application/json", b"\xff\xfe", b"x" * 255, b"a\x00b"])
_properties: st.SearchStrategy[bytes] = st.fixed_dictionaries(
    {},
    optional={
        "content_type": _strings,
        "content_encoding": _strings,
        "headers": _headers,
        "delivery_mode": st.integers(1, 2),
        "priority": st.integers(0, 255),
        "correlation_id": _strings,
        "reply_to": _strings,
        "message_id": _strings,
        "timestamp": _TIMES,
        "type": _strings,
        "app_id": _strings,
    },
).map(lambda given: properties(cast("Mapping[str, bytes | int]", given)))

_bodies = st.one_of(
    st.integers(0, 9).map(order), documents(st.fixed_dictionaries({"number": st.integers() | st.text(max_size=5)}))
)

hostile_messages: st.SearchStrategy[HostileMessage] = st.builds(HostileMessage, _properties, _bodies)
"""Messages for a listener of orders."""
