"""Level rules, as a configuration writes them."""

import logging
from collections.abc import Iterable, Mapping
from typing import Protocol, cast

from fastapi_factory_utilities.core.logs.levels import ROOT

__all__ = ["LevelRule", "Levels", "read_levels"]

Levels = Mapping[str, str | int]


class LevelRule(Protocol):
    """One entry of the `logging` section: a logger's name and its level."""

    @property
    def name(self) -> str:
        """The logger's name; `root` or nothing for all."""
        ...

    @property
    def level(self) -> str | int:
        """The lowest level that is written."""
        ...


def read_levels(rules: Levels | Iterable[LevelRule | tuple[str, str | int]], default: int) -> dict[str, int]:
    """Read level rules in any of their shapes; the last rule of a name wins.

    Raises:
        ValueError: A level is not one of the standard library's.
    """
    pairs = cast("Levels", rules).items() if isinstance(rules, Mapping) else (_pair(rule) for rule in rules)
    return {ROOT: default} | {name or ROOT: _number(name, level) for name, level in pairs}


def _pair(rule: LevelRule | tuple[str, str | int]) -> tuple[str, str | int]:
    return rule if isinstance(rule, tuple) else (rule.name, rule.level)


def _number(name: str, level: str | int) -> int:
    if isinstance(level, int):
        return level
    numbers = logging.getLevelNamesMapping()
    number = numbers.get(level.strip().upper())
    if number is None:
        raise ValueError(
            f"logger {name!r} has level {level!r}: use one of {', '.join(sorted(numbers, key=numbers.__getitem__))}"
        )
    return number
