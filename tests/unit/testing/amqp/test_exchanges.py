"""Topics are matched as the specification says, and in time that does not explode."""

from hypothesis import given
from hypothesis import strategies as st

from fastapi_factory_utilities.testing.amqp.exchanges import Binding, Exchange
from fastapi_factory_utilities.testing.amqp.messages import Message

words = st.lists(st.sampled_from(["a", "b", ""]), max_size=5)
patterns = st.lists(st.sampled_from(["a", "b", "*", "#", ""]), max_size=5)


def matches(pattern: str, key: str) -> bool:
    exchange = Exchange("", "topic", bindings=[Binding("", "queue", "queue", pattern)])
    return bool(list(exchange.chosen(Message("", key, {}, b""))))


def expected(pattern: list[str], words: list[str]) -> bool:
    """The specification, word for word: slow, and short enough to be seen to be right."""
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(expected(pattern[1:], words[start:]) for start in range(len(words) + 1))
    return bool(words) and pattern[0] in {"*", words[0]} and expected(pattern[1:], words[1:])


@given(patterns, words)
def test_a_star_is_one_word_and_a_hash_is_any_number_of_them(pattern: list[str], key: list[str]) -> None:
    pattern_text, key_text = ".".join(pattern), ".".join(key)
    parts = [text.split(".") if text else [] for text in (pattern_text, key_text)]
    assert matches(pattern_text, key_text) is expected(*parts)


def test_many_hashes_do_not_take_for_ever() -> None:
    # A matcher that tries every way would take longer than the age of the universe.
    assert not matches(".".join(["#.a"] * 30), ".".join(["a"] * 29 + ["b"]))


def test_a_message_goes_along_each_binding_that_matches() -> None:
    ways = [Binding("", "queue", name, key) for name, key in (("one", "a"), ("two", "b"), ("three", "a"))]
    exchange = Exchange("", "direct", bindings=ways)
    assert [way.destination for way in exchange.chosen(Message("", "a", {}, b""))] == ["one", "three"]
