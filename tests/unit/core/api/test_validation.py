"""Validation errors, said without the value."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from fastapi_factory_utilities.core.api.validation import ERRORS_LIMIT, describe_errors


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]


class Home(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    rooms: list[int] = []
    names: dict[str, int] = {}
    size: int | list[int] = 0


def described(model: Any, body: Any) -> list[dict[str, Any]]:
    try:
        TypeAdapter(model).validate_python(body)
    except ValidationError as error:
        errors = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        return describe_errors(errors, body)
    raise AssertionError("it was valid")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"rooms": [1, "pa55word"]}, ["#/rooms/1"]),
        ({"names": {"a/b~c d%": "pa55word"}}, ["#/names/a~1b~0c%20d%25"]),
        ({"names": {"é": "pa55word"}}, ["#/names/%C3%A9"]),
        ({"pet": {"kind": "cat", "lives": "pa55word"}}, ["#/pet/lives"]),
        ({"pet": {"kind": "cat"}}, ["#/pet/lives"]),
        ({"size": "pa55word"}, ["#/size", "#/size"]),
        ({"size": ["pa55word"]}, ["#/size", "#/size/0"]),
        ("pa55word", ["#"]),
    ],
)
def test_a_pointer_leads_to_the_place_in_the_body_that_is_wrong(body: Any, pointers: list[str]) -> None:
    errors = described(Home, body)

    assert [error["pointer"] for error in errors] == pointers
    assert "pa55word" not in repr(errors)


def test_a_wrong_tag_is_not_repeated() -> None:
    (error,) = described(Home, {"pet": {"kind": "pa55word"}})

    assert error["type"] == "union_tag_invalid"
    assert "'cat'" in error["message"]
    assert "pa55word" not in repr(error)


def test_only_the_first_errors_are_listed() -> None:
    assert len(described(list[int], ["x"] * 5000)) == ERRORS_LIMIT


def test_a_key_of_any_length_makes_no_answer_of_any_length() -> None:
    (error,) = described(dict[str, int], {"k" * 100_000: "x"})

    assert "pointer" not in error
    assert len(repr(error)) < 1000


def test_a_key_that_utf_8_cannot_say_does_no_harm() -> None:
    fault = {"type": "int_parsing", "loc": ("body", "\ud800"), "msg": "Input should be a valid integer"}

    (error,) = describe_errors([fault], {"\ud800": "x"})

    assert error["pointer"].startswith("#/")


def test_invalid_json_is_named_as_such() -> None:
    fault = {"type": "json_invalid", "loc": ("body", 7), "msg": "JSON decode error", "ctx": {"error": "EOF"}}

    assert describe_errors([fault]) == [
        {"loc": ["body"], "pointer": "#", "message": "Invalid JSON: EOF", "type": "json_invalid"}
    ]


def test_what_is_not_in_the_body_has_no_pointer() -> None:
    fault = {"type": "int_parsing", "loc": ("query", "limit"), "msg": "Input should be a valid integer", "input": "x"}

    assert describe_errors([fault]) == [
        {"loc": ["query", "limit"], "message": "Input should be a valid integer", "type": "int_parsing"}
    ]
