"""Properties and headers pass the broker as the bytes that they are."""

import struct
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, decode

from fastapi_factory_utilities.testing.amqp.fields import (
    encode_value,
    join_properties,
    join_table,
    split_properties,
    split_table,
)
from fastapi_factory_utilities.testing.amqp.messages import Message

# What pamqp itself would write otherwise: a double, a small number in 64 bits, a text that is none, a late timestamp.
EXACT = {
    "double": b"d" + struct.pack(">d", 0.1),
    "long": b"l" + struct.pack(">q", 1),
    "bytes": b"S\x00\x00\x00\x02\xff\xfe",
    "late": b"T" + struct.pack(">Q", 2**40),
}

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


def properties(**given: Any) -> bytes:
    return commands.Basic.Properties(**given).marshal()


@given(
    st.dictionaries(st.text(max_size=10), values, max_size=5), st.text(max_size=40), st.integers(0, 255), st.booleans()
)
def test_taken_apart_and_put_together_they_are_the_same(
    headers: dict[str, Any], text: str, priority: int, dated: bool
) -> None:
    timestamp = datetime(2026, 1, 1, tzinfo=UTC) if dated else None
    data = properties(headers=headers, content_type=text, priority=priority, timestamp=timestamp, app_id=text)

    fields = split_properties(data)

    assert join_properties(fields) == data
    assert join_table(split_table(fields["headers"])) == fields["headers"]
    message = Message.received("", "queue", data, b"")
    assert message.headers == headers
    assert (message.priority, message.properties.content_type or "") == (priority, text)


@given(values)
def test_a_value_is_read_as_it_was_written(value: Any) -> None:
    written = encode_value(value)
    assert decode.embedded_value(written) == (len(written), value)


@given(st.binary(max_size=60))
def test_bytes_that_are_no_properties_are_refused_or_kept(data: bytes) -> None:
    try:
        fields = split_properties(data)
    except ValueError:
        return
    assert data[2:].startswith(join_properties(fields)[2:])


@pytest.mark.parametrize(
    "data", [b"\x00\x00\x00\x05\x03abS", b"\x00\x00\x00\x07\x01aS\x00\x00\x00\xff", b"\x00\x00\x00\x02\x01a"]
)
def test_a_table_that_is_cut_off_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut off|unpack"):
        split_table(data)


def test_a_dead_letter_keeps_the_bytes_of_headers_it_does_not_touch() -> None:
    fields = {"headers": join_table(EXACT), "expiration": b"\x0260", "timestamp": bytes(8)}

    dead = Message("books", "a", fields, b"body").dead_lettered(
        queue="queue", reason="rejected", exchange="dead", routing_key=None
    )

    assert {name: value for name, value in split_table(dead.fields["headers"]).items() if name in EXACT} == EXACT
    assert set(dead.fields) == {"headers", "timestamp"}
    assert dead.fields["timestamp"] == bytes(8)
    assert split_table(fields["headers"]) == EXACT  # the message itself is another


@pytest.mark.parametrize("history", ["text", [1, "two"], [{"queue": "queue", "reason": "rejected", "count": "many"}]])
def test_a_history_that_a_client_made_up_does_no_harm(history: Any) -> None:
    fields = split_properties(properties(headers={"x-death": history}))

    dead = Message("", "a", fields, b"").dead_lettered(queue="queue", reason="rejected", exchange="", routing_key="b")

    assert [(death["queue"], death["count"]) for death in dead.headers["x-death"]] == [("queue", 1)]
    assert dead.cycles("queue") is False
