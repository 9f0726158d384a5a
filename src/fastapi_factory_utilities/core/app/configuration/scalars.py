"""What YAML's tags mean: YAML 1.1 as PyYAML's safe loader has it, without its surprises at the edges."""

from typing import Any, Final

from yaml import SafeLoader, ScalarNode, YAMLError

from fastapi_factory_utilities.core.app.configuration.tree import Branch, Items, Leaf, Node

__all__ = ["MERGE", "TEXT", "TagError", "kind_of", "read_collection", "read_scalar", "tag_of"]

_STANDARD: Final = "tag:yaml.org,2002:"
MERGE: Final = f"{_STANDARD}merge"
TEXT: Final = f"{_STANDARD}str"
_NULL: Final = f"{_STANDARD}null"
_SCALARS: Final = frozenset(_STANDARD + name for name in ("binary", "bool", "float", "int", "timestamp")) | {
    TEXT,
    _NULL,
}
_WORDS: Final = {
    "binary": "binary",
    "bool": "a true or false",
    "float": "a number",
    "int": "a whole number",
    "null": "a null",
    "timestamp": "a date",
}
_LONGEST: Final = 100  # characters of a number or date: reading `1:1:1:...` costs quadratic time

_reader: Final = SafeLoader("")


class TagError(ValueError):
    """Something is not what its form or its tag says; the text is a reason for people, without the value."""


def tag_of(text: str) -> str:
    """Say what an unquoted scalar is: `8000` an int, `no` a bool, `~` null, `2024-05-01` a timestamp."""
    tag: str = _reader.resolve(ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]  # PyYAML's stubs say no types here
    # `=` is a type of its own in YAML 1.1, which nobody reads; here it is text.
    return tag if tag in _SCALARS or tag == MERGE else TEXT


def kind_of(tag: str) -> str:
    """Say a tag in a word or two."""
    kind = tag.removeprefix(_STANDARD)
    return _WORDS.get(kind, kind)


def read_scalar(text: str, tag: str) -> Any:  # noqa: ANN401 - any type of YAML
    """Read a scalar of a type.

    Raises:
        TagError: The text is no such value, or the type is not one of YAML's own.
    """
    if tag == TEXT:
        return text
    if tag == MERGE:
        return text  # `<<` as a value
    if tag not in _SCALARS:
        raise TagError("a tag that is not read: remove it, or quote the text")
    if len(text) > _LONGEST and tag != f"{_STANDARD}binary":
        raise TagError(f"{kind_of(tag)} of more than {_LONGEST} characters: quote it to mean text")
    try:
        return _reader.yaml_constructors[tag](_reader, ScalarNode(tag, text))
    except (YAMLError, ValueError, LookupError, OverflowError, AttributeError):  # the last: `!!timestamp` of any text
        raise TagError(f"looks like {kind_of(tag)} and is not one: correct it, or quote it to mean text") from None


def read_collection(node: Branch | Items, tag: str | None) -> Node:
    """Turn the collections that YAML has beside lists and mappings into these.

    Raises:
        TagError: The collection is no such thing, or the tag is not one of YAML's own.
    """
    match (tag or "!").removeprefix(_STANDARD), node:
        case ("!", _) | ("map", Branch()) | ("seq", Items()):
            return node
        case "set", Branch():
            return Items(tuple(Leaf(key, origins[0]) for key, origins in node.keys.items()), node.origin)
        case ("omap" | "pairs") as kind, Items() if all(
            isinstance(item, Branch) and len(item.children) == 1 for item in node.items
        ):
            pairs = [(key, item) for item in node.items if isinstance(item, Branch) for key in item.children]
            if kind == "pairs":
                return Items(
                    tuple(
                        Items((Leaf(key, item.keys[key][0]), item.children[key]), item.origin) for key, item in pairs
                    ),
                    node.origin,
                )
            return Branch(
                {key: item.children[key] for key, item in pairs},
                {key: item.keys[key] for key, item in pairs},
                node.origin,
            )
    raise TagError("a tag that is not read here: remove it")
