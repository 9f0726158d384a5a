"""Environment variables become a tree: nested with `__`, spelled as the models spell, JSON where it makes sense."""

from typing import Any

import pytest
from pydantic import BaseModel, Field

from fastapi_factory_utilities.core.app.configuration.origins import Origin
from fastapi_factory_utilities.core.app.configuration.problems import ConfigProblem
from fastapi_factory_utilities.core.app.configuration.shape import Shape
from fastapi_factory_utilities.core.app.configuration.tree import to_plain
from fastapi_factory_utilities.core.app.configuration.variables import Variable, read_variables


class _Client(BaseModel):
    url: str = ""
    limit: int | None = None
    note: str | None = None


class _Root(BaseModel):
    server: _Client = _Client()
    clients: dict[str, _Client] = {}
    names: list[str] = []
    either: list[str] | str = ""
    text: str = ""
    anything: Any = None
    camel: str = Field(default="", validation_alias="camelCase")


def _read(**variables: str) -> tuple[Any, list[ConfigProblem]]:
    given = [Variable(name, value, Origin("env", name=name)) for name, value in variables.items()]
    tree, problems = read_variables(given, "APP", Shape((_Root,)))
    return to_plain(tree), problems


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("APP__TEXT", "x", {"text": "x"}),
        ("app__text", "x", {"text": "x"}),
        ("App__Text", "x", {"text": "x"}),
        ("APP__SERVER__URL", "http://x", {"server": {"url": "http://x"}}),
        ("APP__CLIENTS__MAIL__LIMIT", "5", {"clients": {"mail": {"limit": "5"}}}),
        ("APP__CAMELCASE", "x", {"camelCase": "x"}),
        ("APP__NAMES", '["a", "b"]', {"names": ["a", "b"]}),
        ("APP__NAMES", ' ["a"]', {"names": ["a"]}),
        ("APP__NAMES", "a,b", {"names": "a,b"}),
        ("APP__SERVER", '{"url": "x", "limit": 3}', {"server": {"url": "x", "limit": 3}}),
        ("APP__EITHER", '["a"]', {"either": ["a"]}),
        ("APP__EITHER", "[a", {"either": "[a"}),
        ("APP__TEXT", '["a"]', {"text": '["a"]'}),
        ("APP__TEXT", "", {"text": ""}),
        ("APP__TEXT", "null", {"text": "null"}),
        ("APP__SERVER__LIMIT", "", {"server": {"limit": None}}),
        ("APP__SERVER__NOTE", "", {"server": {"note": None}}),
        ("APP__ANYTHING", "[1]", {"anything": "[1]"}),
        ("APP__SERVR__PORT", "1", {"servr": {"port": "1"}}),
        ("APP_PORT", "1", {}),
        ("APP", "1", {}),
        ("APP_CONFIG_FILE", "x", {}),
        ("APPLE__SERVER__URL", "1", {}),
        ("PATH", "1", {}),
    ],
)
def test_a_variable_becomes_a_value(name: str, value: str, expected: object) -> None:
    assert _read(**{name: value}) == (expected, [])


def test_a_nested_variable_beats_the_json_of_its_section() -> None:
    plain, _ = _read(APP__SERVER__URL="b", APP__SERVER='{"url": "a", "limit": 1}')

    assert plain == {"server": {"url": "b", "limit": 1}}


@pytest.mark.parametrize(
    ("variables", "path", "message"),
    [
        ({"APP__": "x"}, "", "empty part"),
        ({"APP__SERVER____URL": "x"}, "", "empty part"),
        ({"APP__SERVER__": "x"}, "", "empty part"),
        ({"APP__TEXT": "x", "app__text": "y"}, "text", "given twice"),
        ({"APP__NAMES": '["kanarie'}, "names", "not JSON"),
        ({"APP__NAMES": "[kanarie]"}, "names", "not JSON"),
        ({"APP__SERVER": '{"url": 1, "url": "kanarie"}'}, "server", "given twice"),
        ({"APP__NAMES": "[" * 100_000}, "names", "nested too deeply"),
        ({"APP__NAMES": "[" * 99 + "]" * 99}, "names", "nested too deeply"),
        ({"APP__NAMES": f"[{'9' * 5000}]"}, "names", "too long a number"),
    ],
)
def test_a_variable_that_cannot_be_read_is_told(variables: dict[str, str], path: str, message: str) -> None:
    _, problems = _read(**variables)

    (problem,) = problems
    assert problem.path == path
    assert message in problem.message
    assert str(problem.origin).removeprefix("env ") in variables
    assert "kanarie" not in str(problem)


def test_a_variable_does_not_show_its_value() -> None:
    assert "geheim" not in repr(Variable("APP__X", "geheim", Origin("env", name="APP__X")))
