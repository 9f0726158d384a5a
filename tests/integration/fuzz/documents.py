"""Hostile JSON: what is no JSON, what only looks like it, and what is JSON but too much of it."""

import json
from typing import Any, Final

from hypothesis import strategies as st

__all__ = ["DEEP", "documents", "json_values"]

DEEP: Final = 20_000
"""Levels that no parser which calls itself for each can bear."""

_GARBLED: Final = st.text(alphabet='[]{}",:\\0123456789eE+-.aNIfyntlu \ud800\x00', max_size=60).map(
    lambda text: text.encode("utf-8", "surrogatepass")
)
_NUMBERS: Final = st.sampled_from(
    [b"NaN", b"-Infinity", b"1e999", b"-1e-999", b"9" * 400, b"-0", b"1e400000000000", b"0x1", b"1_0"]
)
_STRINGS: Final = st.sampled_from([b'"\\ud800"', b'"\\u0000"', b'"\xff"', b'"\xed\xa0\x80"', b'"a\nb"', b'"\\x"', b'"'])
_DEEP: Final = st.builds(
    lambda depth, pair: pair[0] * depth + b"1" + pair[1] * depth,
    st.sampled_from([10, 150, 300, 990, 1100, 5000, DEEP]),
    st.sampled_from([(b"[", b"]"), (b'{"a":', b"}"), (b"[", b""), (b'[{"":', b"}]")]),
)
_LONG: Final = st.sampled_from([400, 5000]).flatmap(
    lambda length: st.sampled_from([b"9", b'"x"', b"1e9", b"0.1"]).map(lambda piece: piece.ljust(length, piece[-1:]))
)
_TWICE: Final = st.sampled_from(
    [b'{"title":"a","title":"b"}', b'{"a":1,"\\u0061":2}', b'{"":1,"":[]}', b'{"__proto__":1,"constructor":{}}']
)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=10), children, max_size=4),
    max_leaves=8,
)
"""What Python makes of JSON; `json.dumps` also writes NaN and lone surrogates."""


def documents(*shapes: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """Bodies, most of them wrong.

    Args:
        *shapes: What nearly fits whoever reads them.
    """
    fitting = st.one_of(json_values, *shapes)
    spelled = st.builds(
        lambda value, spelling: json.dumps(value).encode(spelling, "replace"),
        fitting,
        st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32", "cp037"]),
    )
    inside = st.builds(
        lambda value, bad: json.dumps(value).encode().replace(b"null", bad, 1).replace(b"0", bad, 1),
        fitting,
        _NUMBERS | _STRINGS | _DEEP | _LONG,
    )
    return st.one_of(st.binary(max_size=100), _GARBLED, _NUMBERS, _STRINGS, _LONG, _DEEP, _TWICE, spelled, inside)
