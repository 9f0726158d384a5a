"""The trace id of an error."""

import re

import pytest

from fastapi_factory_utilities.core.api import trace_id_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def scope(*traceparents: str) -> dict[str, object]:
    return {"headers": [(b"traceparent", value.encode()) for value in traceparents]}


@pytest.mark.parametrize(
    "traceparent",
    [
        f"00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-00",
        f" 00-{TRACE}-{PARENT}-01 ",
        f"cc-{TRACE}-{PARENT}-01",
        f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like",
    ],
)
def test_a_valid_traceparent_gives_its_trace_id(traceparent: str) -> None:
    assert trace_id_of(scope(traceparent)) == TRACE


@pytest.mark.parametrize(
    "traceparents",
    [
        (),
        ("",),
        (TRACE,),
        (f"00-{TRACE.upper()}-{PARENT}-01",),
        (f"ff-{TRACE}-{PARENT}-01",),
        (f"00-{'0' * 32}-{PARENT}-01",),
        (f"00-{TRACE}-{'0' * 16}-01",),
        (f"00-{TRACE}-{PARENT}-01-more",),
        (f"00-{TRACE}-{PARENT}",),
        (f"cc-{TRACE}-{PARENT}-01.more",),
        (f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01"),
    ],
)
def test_without_exactly_one_valid_traceparent_the_id_is_random(traceparents: tuple[str, ...]) -> None:
    first, second = trace_id_of(scope(*traceparents)), trace_id_of(scope(*traceparents))

    assert re.fullmatch("[0-9a-f]{32}", first)
    assert first not in (second, TRACE)


def test_a_connection_keeps_its_random_id() -> None:
    connection = scope()

    assert trace_id_of(connection) == trace_id_of(connection)
