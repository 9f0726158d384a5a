"""Puts values for placeholders into the merged tree; what was overridden on the way needs none."""

from collections.abc import Collection, Mapping
from typing import Final

from fastapi_factory_utilities.core.app.configuration import placeholders
from fastapi_factory_utilities.core.app.configuration.origins import Origin
from fastapi_factory_utilities.core.app.configuration.placeholders import Lookup, PlaceholderError
from fastapi_factory_utilities.core.app.configuration.problems import ConfigProblem, dotted
from fastapi_factory_utilities.core.app.configuration.shape import Shape
from fastapi_factory_utilities.core.app.configuration.tree import Branch, Broken, Items, Leaf, Node, Template

__all__ = ["Resolver"]

_LONGEST: Final = 64 * 1024  # characters of a text with placeholders

Path = tuple[str | int, ...]


class Resolver:
    """Resolves trees.

    Attributes:
        problems: What went wrong.
    """

    def __init__(self, lookup: Lookup) -> None:
        self.problems: list[ConfigProblem] = []
        self._lookup = lookup

    def sections(
        self,
        tree: Branch,
        shape: Shape,
        plugins: Collection[str],
        switches: Mapping[str, Collection[frozenset[str]]] | None = None,
    ) -> Branch:
        """Resolve a whole configuration; nothing is asked of the sections of disabled plugins (FR16).

        Args:
            tree: What was configured.
            shape: The model's.
            plugins: The plugins' sections.
            switches: See `read_settings`.
        """
        off: dict[str, Leaf] = {}
        for key, child in tree.children.items():
            if key in plugins and isinstance(child, Branch) and (leaf := self._switched_off(child, shape.child(key))):
                off[key] = leaf
        for key, users in (switches or {}).items():
            if key in tree.children and key not in off and all(user & off.keys() for user in users):
                off[key] = _off(shape.child(key), tree.children[key].origin)
        children: dict[str, Node] = {
            key: off.get(key) or self.node(child, shape.child(key), (key,)) for key, child in tree.children.items()
        }
        return Branch(children, tree.keys, tree.origin)

    def node(self, node: Node, shape: Shape, path: Path) -> Node:
        """Resolve a node, for a place of a shape."""
        match node:
            case Branch():
                parts = node.children.items()
                children = {key: self.node(child, shape.child(key), (*path, key)) for key, child in parts}
                return Branch(children, node.keys, node.origin)
            case Items():
                item = shape.item()
                items = tuple(self.node(child, item, (*path, index)) for index, child in enumerate(node.items))
                if any(isinstance(child, Broken) for child in items):
                    return Broken(node.origin)
                return Items(items, node.origin)
            case Leaf(value=None) if shape.accepts_structure and not (shape.accepts_none or shape.accepts_text):
                # `server:` or `logging:` with nothing under it
                return Branch({}, {}, node.origin) if shape.accepts_mapping else Items((), node.origin)
            case Template():
                return self._text(node, shape, path)
        return node

    def _switched_off(self, section: Branch, shape: Shape) -> Leaf | None:
        """Give a disabled section as an object that has nothing but defaults; `None` for an enabled one."""
        for key in _switches(shape) & section.children.keys():
            leaf = Resolver(self._lookup).node(section.children[key], shape.child(key), ())
            if isinstance(leaf, Leaf) and _is_false(leaf.value):
                return _off(shape, leaf.origin)
        return None

    def _text(self, node: Template, shape: Shape, path: Path) -> Leaf | Broken:
        if len(node.text) > _LONGEST:
            return self._broken(path, node.origin, f"a text of more than {_LONGEST} characters with placeholders", "")
        try:
            text = placeholders.parse(node.text)
        except PlaceholderError as error:
            return self._broken(path, node.origin, str(error), "")
        missing: set[str] = set()
        value = placeholders.render(text, self._lookup, missing)
        for name in sorted(missing):
            hint = f"set {name}, or give a default: ${{{name}:...}}"
            self._broken(path, node.origin, f"the variable {name} is not set", hint)
        if missing:
            return Broken(node.origin)
        names = " ".join(f"${{{part.name}}}" for part in text if not isinstance(part, str))
        origin = Origin(node.origin.source, node.origin.line, node.origin.column, names)
        if node.is_plain and len(text) == 1 and names:
            return Leaf(_typed(value, shape), origin)
        return Leaf(value, origin)

    def _broken(self, path: Path, origin: Origin, message: str, hint: str) -> Broken:
        self.problems.append(ConfigProblem(dotted(path), message, origin, hint))
        return Broken(origin)


def _off(section: Shape, origin: Origin) -> Leaf:
    return Leaf(section.models[0].model_construct(enabled=False), origin)


def _typed(text: str, shape: Shape) -> object:
    """Read what an unquoted placeholder stands for as YAML reads a scalar, unless the place wants text."""
    from fastapi_factory_utilities.core.app.configuration.scalars import (  # noqa: PLC0415 - YAML is loaded for files
        TagError,
        read_scalar,
        tag_of,
    )

    try:
        value: object = read_scalar(text, tag_of(text))
    except TagError:
        return text
    if shape.is_text and not (value is None and shape.accepts_none):
        return text
    return value


def _switches(shape: Shape) -> set[str]:
    """The keys of a plugin's section that mean its field `enabled`."""
    infos = [model.model_fields.get("enabled") for model in shape.models]
    return {key for key, info in shape.fields.items() if any(info is switch for switch in infos)} | {"enabled"}


def _is_false(value: object) -> bool:
    """Whether pydantic reads the value as false, as YAML or as text."""
    if isinstance(value, str):
        return value.strip().lower() in {"0", "off", "f", "false", "n", "no"}
    return value is False or (isinstance(value, int | float) and value == 0)
