r"""Placeholders in the text of a configuration file.

- `${NAME}` is the value of the variable NAME, which has to be set.
- `${NAME:default}` is the default when NAME is not set. The default runs to the brace that closes the placeholder, and
  takes any characters; braces in it come in pairs, or have a backslash: `\{`, `\}`. It may contain placeholders.
- `$${` is the text `${`. A dollar sign that no brace follows is a dollar sign.

Signs before a brace are read in pairs: `$$$${` is `$${`, and in a default `\\}` is a backslash and the closing brace.
A value is never searched for placeholders again.
"""

import re
from collections.abc import Callable
from itertools import groupby
from typing import Final, NamedTuple

__all__ = ["Lookup", "Placeholder", "PlaceholderError", "Text", "parse", "render"]

Lookup = Callable[[str], str | None]

_MAX_NESTED: Final = 16
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OUTSIDE: Final = re.compile(r"\$+\{")
_IN_DEFAULT: Final = re.compile(r"\$+\{|\\+[{}]|[{}]")


class PlaceholderError(ValueError):
    """A placeholder is not written as one; the text is a reason for people, without the value."""


class Placeholder(NamedTuple):
    """One placeholder.

    Attributes:
        name: The variable.
        default: What stands for it when it is not set; `None` when it has to be.
    """

    name: str
    default: "Text | None"

    def __repr__(self) -> str:
        return f"Placeholder({self.name})"


Text = tuple[str | Placeholder, ...]


def parse(text: str) -> Text:
    """Take a text apart.

    Raises:
        PlaceholderError: A placeholder has no name, or no end.
    """
    parts: list[str | Placeholder] = []
    position = 0
    while match := _OUTSIDE.search(text, position):
        parts.append(text[position : match.start()])
        dollars = match.end() - match.start() - 1
        parts.append("$" * (dollars // 2))
        position = match.end()
        if dollars % 2:
            placeholder, position = _placeholder(text, position, 1)
            parts.append(placeholder)
        else:
            parts.append("{")
    parts.append(text[position:])
    return _joined(parts)


def render(text: Text, lookup: Lookup, missing: set[str]) -> str:
    """Put the values in.

    Args:
        text: What `parse` gave.
        lookup: Gives a variable's value, or `None`.
        missing: Gets the names of variables that have to be set and are not.
    """
    return "".join(part if isinstance(part, str) else _value(part, lookup, missing) for part in text)


def _value(placeholder: Placeholder, lookup: Lookup, missing: set[str]) -> str:
    value = lookup(placeholder.name)
    if value is not None:
        return value
    if placeholder.default is not None:
        return render(placeholder.default, lookup, missing)
    missing.add(placeholder.name)
    return ""


def _placeholder(text: str, position: int, depth: int) -> tuple[Placeholder, int]:
    """Read on after `${`; returns the placeholder and where it ends."""
    if depth > _MAX_NESTED:
        raise PlaceholderError(f"more than {_MAX_NESTED} placeholders inside of one another")
    name = _NAME.match(text, position)
    after = text[name.end() : name.end() + 1] if name else ""
    if name is None or after not in ("}", ":", ""):
        raise PlaceholderError(
            "`${` without the name of a variable: write ${NAME} or ${NAME:default}, or $${ to mean ${"
        )
    if after == "}":
        return Placeholder(name[0], None), name.end() + 1
    if not after:
        raise _unclosed()
    default, end = _default(text, name.end() + 1, depth)
    return Placeholder(name[0], default), end


def _default(text: str, position: int, depth: int) -> tuple[Text, int]:
    """Read a default; returns it and where its placeholder ends."""
    parts: list[str | Placeholder] = []
    open_braces = 0
    while match := _IN_DEFAULT.search(text, position):
        parts.append(text[position : match.start()])
        position = match.end()
        sign, count, brace = match[0][0], len(match[0]) - 1, match[0][-1]
        if sign in "$\\":
            parts.append(sign * (count // 2))
        if sign == "$" and count % 2:
            placeholder, position = _placeholder(text, position, depth + 1)
            parts.append(placeholder)
            continue
        if sign == "\\" and count % 2:
            parts.append(brace)
            continue
        if brace == "}" and not open_braces:
            return _joined(parts), position
        open_braces += 1 if brace == "{" else -1
        parts.append(brace)
    raise _unclosed()


def _unclosed() -> PlaceholderError:
    return PlaceholderError("a placeholder that is never closed: end it with }, or write $${ to mean ${")


def _joined(parts: list[str | Placeholder]) -> Text:
    """Put neighbouring pieces of text together."""
    joined: list[str | Placeholder] = []
    for is_text, group in groupby(parts, lambda part: isinstance(part, str)):
        pieces = list(group)
        joined += ["".join(piece for piece in pieces if isinstance(piece, str))] if is_text else pieces
    return tuple(part for part in joined if part)
