"""Trees are merged by key, and remember every place where a key was given."""

import pytest
from pydantic import BaseModel

from fastapi_factory_utilities.core.app.configuration.origins import Origin
from fastapi_factory_utilities.core.app.configuration.tree import (
    Branch,
    TooDeepError,
    from_plain,
    leaves,
    merge,
    to_plain,
)


def _tree(value: object, source: str = "f") -> Branch:
    node = from_plain(value, Origin(source))
    assert isinstance(node, Branch)
    return node


@pytest.mark.parametrize(
    ("lower", "upper", "merged"),
    [
        ({}, {}, {}),
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}, {"a": {"x": 1, "y": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"x": 1}}, {"a": 2}, {"a": 2}),
        ({"a": 2}, {"a": {"x": 1}}, {"a": {"x": 1}}),
        ({"a": {"x": 1}}, {"a": None}, {"a": {"x": 1}}),
        ({"a": 1}, {"a": None}, {"a": None}),
    ],
)
def test_the_upper_tree_wins_key_by_key(lower: object, upper: object, merged: object) -> None:
    assert to_plain(merge(_tree(lower), _tree(upper))) == merged


def test_loosely_the_spelling_of_the_lower_tree_is_kept() -> None:
    merged = merge(_tree({"http": {"Pay-Ments": {"url": 1}}}), _tree({"http": {"pay_ments": {"url": 2}}}), loose=True)

    assert to_plain(merged) == {"http": {"Pay-Ments": {"url": 2}}}


def test_a_key_remembers_all_of_its_places() -> None:
    merged = merge(_tree({"a": 1}, "low"), _tree({"a": 2}, "high"))

    assert [origin.source for origin in merged.keys["a"]] == ["low", "high"]


def test_of_a_model_only_what_was_given_counts() -> None:
    class Inner(BaseModel):
        x: int = 1
        y: int = 2

    class Outer(BaseModel):
        inner: Inner = Inner()
        z: int = 3

    assert to_plain(from_plain(Outer(inner=Inner(y=5)), Origin("code"))) == {"inner": {"y": 5}}


def test_a_mapping_that_contains_itself_is_refused() -> None:
    endless: dict[str, object] = {}
    endless["self"] = endless

    with pytest.raises(TooDeepError):
        from_plain(endless, Origin("code"))


def test_no_node_shows_a_value() -> None:
    tree = _tree({"a": "geheim", "b": ["geheim", {"c": "geheim"}]})

    assert "geheim" not in repr(tree)
    assert list(leaves(tree)) == ["geheim"] * 3


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        (Origin("application.yaml", 14, 9), "application.yaml:14:9"),
        (Origin("application.yaml", 14, 9, "${PORT}"), "application.yaml:14:9 ${PORT}"),
        (Origin("env", name="APP__ODM__URI"), "env APP__ODM__URI"),
        (Origin(".env", 3, name="APP__X"), ".env:3 APP__X"),
        (Origin("default"), "default"),
    ],
)
def test_an_origin_reads_like_a_place(origin: Origin, text: str) -> None:
    assert str(origin) == text
