"""What to do about a mistake."""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from fastapi_factory_utilities.core.app.configuration.origins import Origin
from fastapi_factory_utilities.core.app.configuration.problems import nearest, shown_key
from fastapi_factory_utilities.core.app.configuration.sentences import choices_of
from fastapi_factory_utilities.core.app.configuration.shape import Shape
from fastapi_factory_utilities.core.app.configuration.tree import Leaf, Node

__all__ = ["Hints"]

Keys = tuple[str | int, ...]

_FEW: Final = 12
_LISTS: Final = frozenset({"list_type", "tuple_type", "set_type", "frozen_set_type"})
_MAPPINGS: Final = frozenset({"dict_type", "mapping_type", "model_type", "model_attributes_type"})


class Hints:
    """Gives hints for one configuration.

    Attributes:
        file: The file to which people add what is missing.

    Args:
        shape: The shape of the whole configuration.
        prefix: What the names of variables begin with.
        file: See the attribute.
    """

    def __init__(self, shape: Shape, prefix: str, file: Origin) -> None:
        self.file = file
        self._shape = shape
        self._prefix = prefix

    def of(self, error: Mapping[str, Any], path: Keys, node: Node, origin: Origin) -> str:
        """Give the hint for an error of pydantic's about a value, or a key, of an origin."""
        kind: str = error["type"]
        if kind == "missing":
            return self._to_add(path)
        if kind == "extra_forbidden":
            return self._known_keys(path, origin)
        choices = choices_of(error)
        if choices and isinstance(node, Leaf) and (choice := nearest(str(node.value), choices)):
            return f"did you mean {choice}?"
        if isinstance(node, Leaf):
            return _of_value(kind, node)
        return ""

    def variable(self, path: Keys) -> str | None:
        """The variable that sets a key; there is none inside of lists."""
        if not all(isinstance(part, str) and part.replace("-", "_").isidentifier() for part in path):
            return None
        return "__".join((self._prefix, *(str(part).replace("-", "_").upper() for part in path)))

    def _to_add(self, path: Keys) -> str:
        example = f"{path[-1]}: {self._example(path)}"
        if not all(isinstance(part, str) for part in path):
            return f"add it to the entry:\n  {example}"
        lines = [f"add it to {self.file}:"]
        lines += [f"{'  ' * depth}{shown_key(str(part))}:" for depth, part in enumerate(path[:-1], 1)]
        lines.append(f"{'  ' * len(path)}{example}")
        variable = self.variable(path)
        if variable is not None:
            lines.append(f"or set {variable}")
        return "\n".join(lines)

    def _example(self, path: Keys) -> str:
        info = self._at(path[:-1]).fields.get(str(path[-1]))
        if info is not None and info.examples:
            return str(info.examples[0])
        return _example_of(self._at(path))

    def _known_keys(self, path: Keys, origin: Origin) -> str:
        *parents, key = path
        keys = list(self._at(tuple(parents)).fields)
        near = nearest(str(key), keys)
        if near is not None:
            return f"did you mean {self._renamed(origin, len(parents), near) or near}?"
        section = next((section for section in self._shape.fields if key in self._shape.child(section).fields), None)
        if section is not None and section not in parents:
            return f"it is a key of {section}: write it there"
        listed = f"; known are {', '.join(sorted(keys))}" if len(keys) <= _FEW or not parents else ""
        return f"remove it{'' if parents else ', or add the plugin whose section it is to the builder'}{listed}"

    def _renamed(self, origin: Origin, position: int, key: str) -> str | None:
        """The name of a variable with another key at a position; `None` when the origin is no such variable."""
        if not is_variable(origin):
            return None
        prefix, *parts = Path(origin.name).name.split("__")
        if position >= len(parts):
            return None
        parts[position] = key.upper() if parts[position].isupper() else key
        return "__".join((prefix, *parts))

    def _at(self, path: Keys) -> Shape:
        shape = self._shape
        for part in path:
            shape = shape.item() if isinstance(part, int) else shape.child(part)
        return shape


def _of_value(kind: str, node: Leaf) -> str:
    """How to write another value at the same place."""
    is_text = is_variable(node.origin)
    if kind in _LISTS:
        return 'write it as JSON: ["a", "b"]' if is_text else "write `- item` lines under the key, or [a, b]"
    if kind in _MAPPINGS:
        return 'write it as JSON: {"key": "value"}' if is_text else "write `key: value` lines under the key"
    if kind == "string_type":
        return "give it a value" if node.value is None else "put it in quotes"
    if node.value is None:
        return "give it a value, or remove the key"
    return ""


def is_variable(origin: Origin) -> bool:
    """Whether a value came from a variable rather than from a place in a YAML file."""
    return bool(origin.name) and not origin.column


def _example_of(shape: Shape) -> str:
    for arm in shape.arms:
        if get_origin(arm) is Literal:
            return f"<{' or '.join(map(str, get_args(arm)))}>"
        if isinstance(arm, type) and issubclass(arm, Enum):
            return f"<{' or '.join(str(member.value) for member in arm)}>"
        if isinstance(arm, type) and issubclass(arm, bool):
            return "<true or false>"
        if isinstance(arm, type) and issubclass(arm, int | float):
            return "<number>"
    return "<text>" if shape.is_text else "<value>"
