"""A message's headers can be written again, whatever they are, and ours are always among them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pamqp import encode

from fastapi_factory_utilities.core.plugins.aiopika.carried_headers import LEFT_OUT, carried
from fastapi_factory_utilities.core.plugins.aiopika.dead_letter_headers import ATTEMPT, Cause, dead_headers

CAUSE = Cause("ValueError", "x" * 500)
anything: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.binary(max_size=5)
    | st.integers(-(2**64), 2**64)
    | st.floats()
    | st.decimals()
    | st.text(max_size=5)
    | st.just(datetime(9999, 12, 31, tzinfo=UTC))
    | st.just(b"x" * 100_000),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=5,
)


def test_what_can_be_written_stays_as_it_is() -> None:
    headers = {"a": 1, "b": "text", "c": {"d": [Decimal("1.5")]}}

    assert carried(headers) == headers


def test_bytes_stay_and_what_cannot_be_written_is_counted() -> None:
    assert carried({"a": b"\xff", "b": 2**80, "c": 1e300}) == {"a": bytearray(b"\xff"), LEFT_OUT: 2}


@given(headers=st.dictionaries(st.text(max_size=5), anything, max_size=4))
def test_a_dead_letter_can_always_be_written_in_one_frame_and_says_why_it_is_one(headers: dict[str, Any]) -> None:
    kept = carried(dead_headers({ATTEMPT: 2**63, **headers}, "e" * 255, "k" * 255, 3, CAUSE))

    assert len(encode.field_table(kept)) < 131_072 - 3_000
    assert kept["x-dead-reason"] == CAUSE.reason
    assert kept[ATTEMPT] == 3
