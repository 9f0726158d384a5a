"""Anchors and aliases of a YAML file, and what repeating them costs."""

from typing import Final, NamedTuple

from fastapi_factory_utilities.core.app.configuration.tree import MAX_DEPTH, Node

__all__ = ["MAX_REPEATED", "Anchors", "Part", "UnusableAliasError"]

MAX_REPEATED: Final = 64 * 1024
"""How many characters aliases may repeat in all, however they are nested."""


class UnusableAliasError(ValueError):
    """An alias cannot be followed; the text is a reason for people."""


class Part(NamedTuple):
    """A finished node.

    Attributes:
        node: The node.
        weight: About the number of its characters, with all that its own aliases repeat.
        height: The number of levels under it.
    """

    node: Node
    weight: int
    height: int


class Anchors:
    """The anchors seen so far in one file."""

    def __init__(self) -> None:
        self._parts: dict[str, Part | None] = {}
        self._repeated = 0

    def begin(self, name: str | None) -> None:
        """An anchored collection begins; an alias to it would be a part of itself."""
        if name:
            self._parts[name] = None

    def finish(self, name: str | None, part: Part) -> None:
        """An anchored node is complete."""
        if name:
            self._parts[name] = part

    def follow(self, name: str | None, depth: int) -> Part:
        """Give what an alias refers to.

        Args:
            name: The anchor.
            depth: The number of levels above the alias.

        Raises:
            UnusableAliasError: There is no such anchor, or following it passes a limit.
        """
        part = self._parts.get(name or "")
        if part is None:
            raise UnusableAliasError(
                "an alias to a collection that it is part of" if name in self._parts else "an alias without its anchor"
            )
        self._repeated += part.weight
        if self._repeated > MAX_REPEATED:
            raise UnusableAliasError(f"aliases repeat more than {MAX_REPEATED} characters")
        if depth + part.height > MAX_DEPTH:
            raise UnusableAliasError(f"more than {MAX_DEPTH} levels, those of the alias included")
        return part
