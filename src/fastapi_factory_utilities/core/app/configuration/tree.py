"""The raw configuration: a tree of values, each of which knows where it came from.

No node shows a value in its `repr`, so that tracebacks with local variables stay clean.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

from fastapi_factory_utilities.core.app.configuration.origins import Origin

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "Branch",
    "Broken",
    "Items",
    "Leaf",
    "Node",
    "Template",
    "TooDeepError",
    "from_plain",
    "leaves",
    "loosely",
    "merge",
    "to_plain",
]

MAX_DEPTH: Final = 50
"""How many levels a configuration may have; enough for people, far from Python's recursion limit."""

MAX_BYTES: Final = 1024 * 1024
"""How large a file may be."""


class Leaf(NamedTuple):
    """A value without parts."""

    value: Any
    origin: Origin

    def __repr__(self) -> str:
        return f"Leaf({self.origin})"


class Template(NamedTuple):
    """Text with placeholders that are not replaced yet.

    Attributes:
        text: As it is written.
        is_plain: Whether it is written without quotes, so that its value may become a number and the like.
        origin: Where it is written.
    """

    text: str
    is_plain: bool
    origin: Origin

    def __repr__(self) -> str:
        return f"Template({self.origin})"


class Broken(NamedTuple):
    """A place whose value could not be had; that has been told, and nothing more needs to be said about it."""

    origin: Origin


class Items(NamedTuple):
    """A list."""

    items: tuple["Node", ...]
    origin: Origin


class Branch(NamedTuple):
    """A mapping.

    Attributes:
        children: The values, by key.
        keys: Where each key is written; in several places when sources were merged.
        origin: Where the mapping begins.
    """

    children: Mapping[str, "Node"]
    keys: Mapping[str, tuple[Origin, ...]]
    origin: Origin


Node = Leaf | Template | Broken | Items | Branch


class TooDeepError(ValueError):
    """A value has more than `MAX_DEPTH` levels."""


def loosely(key: str) -> str:
    """Write a key in the one form in which environment variables can: no case, no hyphens."""
    return key.casefold().replace("-", "_")


def merge(lower: Branch, upper: Branch, *, loose: bool = False) -> Branch:
    """Lay one tree on top of another: mappings are merged, everything else is replaced.

    A section that is written without keys (`server:`) is null in YAML; it does not wipe out a mapping below it.

    Args:
        lower: What is beaten.
        upper: What wins.
        loose: Let the upper keys match the lower ones without regard to case and hyphens.
    """
    children, keys = dict(lower.children), dict(lower.keys)
    spelling = {loosely(key): key for key in children} if loose else {}
    for given, node in upper.children.items():
        key = given if given in children else spelling.get(loosely(given), given)
        keys[key] = tuple(dict.fromkeys((*keys.get(key, ()), *upper.keys[given])))
        beneath = children.get(key)
        if isinstance(beneath, Branch):
            if isinstance(node, Leaf) and node.value is None:
                continue
            if isinstance(node, Branch):
                children[key] = merge(beneath, node, loose=loose)
                continue
        children[key] = node
    return Branch(children, keys, lower.origin if lower.children else upper.origin)


def from_plain(value: Any, origin: Origin, depth: int = 0) -> Node:  # noqa: ANN401 - JSON, or what code gives
    """Make a tree of Python values, all of one origin; of models, the fields that were given explicitly.

    Raises:
        TooDeepError: There are too many levels.
    """
    if depth > MAX_DEPTH:
        raise TooDeepError
    if isinstance(value, BaseModel):
        value = _given_fields(value)
    if isinstance(value, Mapping):
        children = {str(key): from_plain(item, origin, depth + 1) for key, item in value.items()}
        return Branch(children, dict.fromkeys(children, (origin,)), origin)
    if isinstance(value, list | tuple):
        return Items(tuple(from_plain(item, origin, depth + 1) for item in value), origin)
    return Leaf(value, origin)


def _given_fields(model: BaseModel) -> dict[str, Any]:
    """The fields of a model that were given, under names that its class accepts."""
    given: dict[str, Any] = dict(model.model_extra or {})
    for name, info in type(model).model_fields.items():
        if name in model.model_fields_set:
            alias = info.validation_alias
            given[alias if isinstance(alias, str) else name] = getattr(model, name)
    return given


def to_plain(node: Node) -> Any:  # noqa: ANN401 - what pydantic validates
    """Make the Python values of a resolved tree; broken places are left out."""
    if isinstance(node, Branch):
        return {key: to_plain(child) for key, child in node.children.items() if not isinstance(child, Broken)}
    if isinstance(node, Items):
        return [to_plain(item) for item in node.items]
    return node.value if isinstance(node, Leaf) else None


def leaves(node: Node) -> Iterator[Any]:
    """Give every value in a tree."""
    if isinstance(node, Branch):
        for child in node.children.values():
            yield from leaves(child)
    elif isinstance(node, Items):
        for item in node.items:
            yield from leaves(item)
    elif isinstance(node, Leaf):
        yield node.value
