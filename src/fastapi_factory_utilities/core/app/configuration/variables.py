"""Configuration in variables: environment, `.env` file and secrets directory, nested with `__`."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from fastapi_factory_utilities.core.app.configuration.origins import Origin
from fastapi_factory_utilities.core.app.configuration.problems import ConfigProblem, dotted
from fastapi_factory_utilities.core.app.configuration.shape import Shape
from fastapi_factory_utilities.core.app.configuration.tree import (
    Branch,
    Broken,
    Leaf,
    Node,
    from_plain,
    merge,
)

__all__ = ["Variable", "read_variables"]

_SEPARATOR = "__"


class Variable(NamedTuple):
    """A variable and where it is set."""

    name: str
    value: str
    origin: Origin

    def __repr__(self) -> str:
        return f"Variable({self.origin})"


def read_variables(variables: Iterable[Variable], prefix: str, shape: Shape) -> tuple[Branch, list[ConfigProblem]]:
    """Make a tree of the variables whose names begin with the prefix and `__`.

    Names are read without regard to case. A value for a list or a mapping is JSON; all others are text, of which the
    models make what they need. An empty value is null where null is allowed.

    Args:
        variables: The variables of one source.
        prefix: What the names begin with.
        shape: The shape of the whole configuration.

    Returns:
        The tree, and the mistakes.
    """
    tree = Branch({}, {}, Origin(""))
    problems: list[ConfigProblem] = []
    seen: dict[tuple[str, ...], Variable] = {}
    beginning = f"{prefix}{_SEPARATOR}".casefold()
    ours = [variable for variable in variables if variable.name[: len(beginning)].casefold() == beginning]
    for variable in sorted(ours, key=lambda variable: (variable.name.count(_SEPARATOR), variable.name)):
        parts = variable.name[len(beginning) :].split(_SEPARATOR)
        if not all(parts):
            hint = f"write it as {prefix}{_SEPARATOR}SECTION{_SEPARATOR}KEY"
            problems.append(ConfigProblem("", "a name with an empty part", variable.origin, hint))
            continue
        keys, place = _find(parts, shape)
        if keys in seen:
            hint = f"keep one of the two; the other is {seen[keys].origin}"
            problems.append(ConfigProblem(dotted(keys), "the key is given twice", variable.origin, hint))
            continue
        seen[keys] = variable
        node: Node = _read(variable, place, dotted(keys), problems)
        for key in reversed(keys):
            node = Branch({key: node}, {key: (variable.origin,)}, variable.origin)
        if isinstance(node, Branch):
            tree = merge(tree, node)
    return tree, problems


def _find(parts: Iterable[str], shape: Shape) -> tuple[tuple[str, ...], Shape]:
    """The keys that a name means, spelled as the models do, and the shape of the place."""
    keys: list[str] = []
    for part in parts:
        keys.append(shape.find(part) or part.lower())
        shape = shape.child(keys[-1])
    return tuple(keys), shape


def _read(variable: Variable, shape: Shape, path: str, problems: list[ConfigProblem]) -> Node:
    text = variable.value
    if not text and shape.accepts_none:
        return Leaf(None, variable.origin)
    if shape.accepts_structure and text.lstrip().startswith(("[", "{")):
        try:
            return from_plain(json.loads(text, object_pairs_hook=_without_duplicates), variable.origin)
        except json.JSONDecodeError as error:
            reason = f"not JSON: it cannot be read from character {error.pos + 1} on"
        except _DuplicateKeyError:
            reason = "JSON with a key that is given twice"
        except (ValueError, RecursionError):  # too deep for us, too deep for Python, or a number without end
            reason = "JSON that is nested too deeply, or has too long a number"
        if not shape.accepts_text:
            hint = 'a list is written ["a", "b"], a mapping {"key": "value"}'
            problems.append(ConfigProblem(path, reason, variable.origin, hint))
            return Broken(variable.origin)
    return Leaf(text, variable.origin)


class _DuplicateKeyError(ValueError):
    """A JSON object has a key twice."""


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise _DuplicateKeyError
    return result
