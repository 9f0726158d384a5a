"""Sentences cover all that pydantic can find, and hide values that validators tell."""

import pytest
from pydantic_core import PydanticKnownError
from pydantic_core._pydantic_core import list_all_errors

from fastapi_factory_utilities.core.app.configuration.sentences import sentence_of, without_values

# What can only happen to function calls and Python objects, never to what was read from files.
_NOT_OF_FILES = {
    "no_such_attribute",
    "needs_python_object",
    "frozen_field",
    "frozen_instance",
    "get_attribute_error",
    "default_factory_not_called",
    "missing_sentinel_error",
    "ellipsis_error",
    "arguments_type",
    "missing_argument",
    "unexpected_keyword_argument",
    "missing_keyword_only_argument",
    "unexpected_positional_argument",
    "missing_positional_only_argument",
    "multiple_argument_values",
    "value_error",
    "assertion_error",
}


def test_every_error_of_pydantic_has_a_sentence_without_pydantics_own_text() -> None:
    for known in list_all_errors():
        if known["type"] in _NOT_OF_FILES:
            continue
        context = {key: f"<{key}>" for key in (known["example_context"] or {})}
        message = PydanticKnownError(known["type"], known["example_context"]).message()

        sentence = sentence_of({"type": known["type"], "ctx": context, "msg": message}, [])

        assert sentence != message, known["type"]
        assert not {"<error>", "<tag>", "<tz_actual>", "<actual_length>"} & set(sentence.split()), known["type"]


_WITHHELD = "is refused by a validator, whose message is not shown because it contains the value"


@pytest.mark.parametrize(
    ("text", "values", "shown"),
    [
        ("must not be blank", [""], "must not be blank"),
        ("got secret1", ["secret1"], "got ***"),
        ("got SECRET1!", ["secret1"], "got ***!"),
        ("got 'se cret'", ["se cret"], "got '***'"),
        ("the host db7 is down", ["mongodb://u:p@db7/x"], "the host *** is down"),
        ("not p%61ssw0rd but passw0rd", ["p%61ssw0rd"], "not *** but ***"),
        ("5 is less than 10", [5], "*** is less than 10"),
        ("at most 15 of them", [5], "at most 15 of them"),
        ("x y", ["y"], "x ***"),
        ("two\n lines", [], "two lines"),
        ("", [], "is refused by a validator"),
        ("flag is set", [True, None], "flag is set"),
        ("secret1 secret2", ["secret1", "secret2"], _WITHHELD),
        ("is it secret one or two", ["one", "is it secret"], "*** *** or two"),
        ("one two, three", ["two_one_three"], _WITHHELD),
    ],
)
def test_words_of_values_are_hidden(text: str, values: list[object], shown: str) -> None:
    assert without_values(text, values) == shown
