"""Arguments of tasks: to JSON and back, and what does not fit."""

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr

from fastapi_factory_utilities.core.plugins.taskiq_plugins import TaskArgumentsError, TaskDefinitionError
from fastapi_factory_utilities.core.plugins.taskiq_plugins.arguments import Arguments


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: int


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)

    at: datetime
    ids: frozenset[UUID]


def arguments_of(function: Callable[..., Any]) -> Arguments:
    return Arguments("test", inspect.signature(function, eval_str=True))


def travelled(arguments: Arguments, *args: Any, **kwargs: Any) -> dict[str, Any]:
    return arguments.load((), json.loads(json.dumps(arguments.dump(args, kwargs))))


VALUES: list[tuple[Any, Any]] = [
    (UUID, uuid4()),
    (datetime, datetime.now(UTC)),
    (date, date(2026, 1, 1)),
    (timedelta, timedelta(seconds=90)),
    (Decimal, Decimal("1.10")),
    (bytes, bytes(range(256))),
    (Colour, Colour.RED),
    (Point, Point(1, 2)),
    (Strict, Strict(at=datetime.now(UTC), ids=frozenset({uuid4()}))),
    (list[Strict], [Strict(at=datetime.now(UTC), ids=frozenset())]),
    (dict[UUID, set[int]], {uuid4(): {1, 2}}),
    (tuple[int, str], (1, "a")),
    (int | None, None),
    (float, float("inf")),
    (str, "Bücher \U0001f4da \x00"),
]


@pytest.mark.parametrize(("annotation", "value"), VALUES, ids=[str(annotation) for annotation, _ in VALUES])
def test_a_value_comes_back_as_it_was(annotation: Any, value: Any) -> None:
    def function(given: Any) -> None: ...

    function.__annotations__["given"] = annotation
    assert travelled(arguments_of(function), value) == {"given": value}
    assert type(travelled(arguments_of(function), value)["given"]) is type(value)


def test_arguments_are_given_as_in_a_call() -> None:
    def function(a: int, b: int = 2, *, c: int = 3) -> None: ...

    arguments = arguments_of(function)
    assert arguments.dump((1,), {"c": 5}) == {"a": 1, "c": 5}
    assert arguments.load((1, 7), {}) == {"a": 1, "b": 7}, "as Taskiq itself sends them"
    with pytest.raises(TypeError, match="'a'"):
        arguments.dump((), {})
    with pytest.raises(TypeError, match="'d'"):
        arguments.dump((1,), {"d": 1})


def test_names_that_pydantic_keeps_for_itself_can_be_parameters() -> None:
    def function(model_config: int, _private: int, json: int) -> None: ...

    assert travelled(arguments_of(function), 1, 2, 3) == {"model_config": 1, "_private": 2, "json": 3}


def test_what_does_not_fit_is_told_by_place_and_never_by_value() -> None:
    def function(book: UUID, limit: int = 5) -> None: ...

    for give in (arguments_of(function).dump, arguments_of(function).load):
        with pytest.raises(TaskArgumentsError) as caught:
            give((), {"book": "planted-secret", "limit": "planted-secret"})
        assert "book: uuid_parsing" in str(caught.value)
        assert "limit: int_parsing" in str(caught.value)
        assert "planted" not in repr(caught.value)
        assert caught.value.__cause__ is None
    with pytest.raises(TaskArgumentsError):
        arguments_of(function).load((), {"nothing": 1})


def test_functions_that_cannot_be_tasks_are_refused() -> None:
    class Opaque: ...

    def starred(*args: int) -> None: ...
    def double_starred(**kwargs: int) -> None: ...
    def by_position(a: int, /) -> None: ...
    def opaque(thing: Opaque) -> None: ...
    def returns_opaque() -> Opaque:
        return Opaque()

    def forgotten(thing: int = ...) -> None: ...

    for function in (starred, double_starred, by_position, opaque, returns_opaque, forgotten):
        with pytest.raises(TaskDefinitionError, match="task test"):
            arguments_of(function)


def test_results_become_json() -> None:
    def function() -> list[UUID]:
        return []

    book = uuid4()
    assert arguments_of(function).dump_result([book]) == [str(book)]
    assert arguments_of(lambda: None).dump_result({"at": date(2026, 1, 1)}) == {"at": "2026-01-01"}
    with pytest.raises(TaskArgumentsError, match="object"):
        arguments_of(lambda: None).dump_result(object())


def test_a_secret_travels_masked() -> None:
    def function(password: SecretStr) -> None: ...

    assert "planted" not in json.dumps(arguments_of(function).dump((SecretStr("planted"),), {}))
