"""A shape says what an annotation accepts, through unions, aliases and generics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import pytest
from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, SecretStr
from pydantic.networks import MongoDsn

from fastapi_factory_utilities.core.app.configuration.shape import Shape


class _Colour(Enum):
    RED = "red"


class _Level(IntEnum):
    LOW = 1


class _Inner(BaseModel):
    key: int = 0


class _Other(BaseModel):
    other: str = ""


@dataclass
class _Data:
    x: int


class _Typed(TypedDict):
    x: int


type _Name = Annotated[str, AfterValidator(str.strip)]


class _Root(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    inner: _Inner | None = None
    union: _Inner | _Other = _Inner()
    table: dict[str, _Inner] = {}
    several: list[_Inner] = []
    renamed: int = Field(default=0, validation_alias=AliasChoices("re-named", "other_name"))


@pytest.mark.parametrize(
    ("annotation", "is_text"),
    [
        (str, True),
        (SecretStr, True),
        (str | None, True),
        (Path, True),
        (MongoDsn, True),
        (_Name, True),
        (_Colour, True),
        (Literal["a", "b"], True),
        (bytes, True),
        (int, False),
        (str | int, False),
        (bool, False),
        (Decimal, False),
        (date, False),
        (_Level, False),
        (Literal[1, "a"], False),
        (Any, False),
        (object, False),
        (list[str], False),
        (_Inner, False),
        (None, False),
    ],
)
def test_text_stays_text_where_nothing_else_is_accepted(annotation: Any, is_text: bool) -> None:
    assert Shape.of(annotation).is_text is is_text


@pytest.mark.parametrize(
    ("annotation", "accepts_structure"),
    [
        (list[str], True),
        (tuple[str, ...] | None, True),
        (set[int], True),
        (dict[str, int], True),
        (Mapping[str, int], True),
        (Sequence[str], True),
        (_Inner, True),
        (_Data, True),
        (_Typed, True),
        (list, True),
        (str, False),
        (int | None, False),
        (_Colour, False),
        (bytes, False),
        (Any, False),
    ],
)
def test_json_is_read_where_a_structure_is_accepted(annotation: Any, accepts_structure: bool) -> None:
    assert Shape.of(annotation).accepts_structure is accepts_structure


def test_keys_lead_through_optional_models_unions_tables_and_lists() -> None:
    root = Shape((_Root,))

    assert root.child("inner").child("key").arms == (int,)
    assert set(root.child("union").fields) == {"key", "other"}
    assert root.child("table").child("whatever").child("key").arms == (int,)
    assert root.child("several").item().child("key").arms == (int,)
    assert root.child("unknown").arms == ()
    assert root.child("unknown").child("deeper").arms == ()


def test_a_key_is_found_by_any_of_its_names_without_case_and_hyphens() -> None:
    root = Shape((_Root,))

    assert root.find("INNER") == "inner"
    assert root.find("RE_NAMED") == "re-named"
    assert root.find("OTHER_NAME") == "other_name"
    assert root.find("renamed") == "renamed"
    assert root.find("nothing") is None
