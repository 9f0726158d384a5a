"""Turns what pydantic found into problems: where, what, what to do; and never the value."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from fastapi_factory_utilities.core.app.configuration.hints import Hints
from fastapi_factory_utilities.core.app.configuration.origins import Origin
from fastapi_factory_utilities.core.app.configuration.problems import ConfigProblem, dotted
from fastapi_factory_utilities.core.app.configuration.sentences import sentence_of
from fastapi_factory_utilities.core.app.configuration.tree import Branch, Broken, Items, Leaf, Node, leaves

__all__ = ["explain"]

# Errors that only follow from others: they are gone when those are corrected.
_FOLLOWING: Final = frozenset({"default_factory_not_called"})
_MUST_BE: Final = "must be "


class _Place(NamedTuple):
    """Where an error is.

    Attributes:
        path: The keys that lead there, without the labels that pydantic puts between them for unions.
        node: What is there; the mapping that lacks it for a missing key.
        key_origins: Where its key is written.
        is_alternative: Whether the error is about one member of a union.
    """

    path: tuple[str | int, ...]
    node: Node
    key_origins: tuple[Origin, ...]
    is_alternative: bool


def explain(error: ValidationError, tree: Branch, hints: Hints, *, is_complete: bool) -> list[ConfigProblem]:
    """Explain all mistakes.

    Args:
        error: What pydantic found.
        tree: What was validated.
        hints: What to do about them.
        is_complete: Whether all sources could be read; if not, nobody knows what is missing.
    """
    problems: dict[object, ConfigProblem] = {}
    for number, found in enumerate(error.errors(include_url=False, include_input=False)):
        details: Mapping[str, Any] = {**found}
        kind = found["type"]
        place = _locate(tree, found["loc"], is_missing=kind == "missing")
        if kind in _FOLLOWING or _is_told(place, kind) or (kind == "missing" and not is_complete):
            continue
        path = dotted(place.path)
        sentence = sentence_of(details, leaves(place.node))
        for origin in _origins(place, kind, hints):
            problem = ConfigProblem(path, sentence, origin, hints.of(details, place.path, place.node, origin))
            group: object = (path, origin) if place.is_alternative else (number, origin)
            problems[group] = _either(problems[group], problem) if group in problems else problem
    return list(problems.values())


def _locate(tree: Branch, location: Sequence[str | int], *, is_missing: bool) -> _Place:
    node: Node = tree
    key_origins: tuple[Origin, ...] = ()
    path: list[str | int] = []
    last = len(location) - 1
    is_alternative = False
    for index, part in enumerate(location):
        if isinstance(node, Branch) and part in node.children:
            key_origins = node.keys.get(str(part), ())
            node = node.children[str(part)]
        elif isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
        elif not (is_missing and index == last):
            is_alternative = True
            continue
        path.append(part)
    return _Place(tuple(path), node, key_origins, is_alternative)


def _is_told(place: _Place, kind: str) -> bool:
    """Whether the value could not be had, which has been told; or the error is one of a mapping that lacks it."""
    node = place.node
    if isinstance(node, Branch) and kind not in ("missing", "extra_forbidden"):
        return any(isinstance(child, Broken) for child in node.children.values())
    return isinstance(node, Broken)


def _origins(place: _Place, kind: str, hints: Hints) -> tuple[Origin, ...]:
    """Where the value is, or for an unknown key every place where it is given; for the rest, the section."""
    if kind == "extra_forbidden":
        return place.key_origins
    if isinstance(place.node, Leaf):
        return (place.node.origin,)
    return place.key_origins[:1] or (hints.file,)


def _either(one: ConfigProblem, other: ConfigProblem) -> ConfigProblem:
    """Two members of a union refuse the same value."""
    if other.message in one.message:
        return one
    message = f"{one.message} or {other.message.removeprefix(_MUST_BE)}"
    return ConfigProblem(one.path, message, one.origin, one.hint or other.hint)
