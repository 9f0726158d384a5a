"""Who may speak: one level for each logger name, inherited along the dots as in the standard library."""

import logging
import threading
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["ROOT", "Scope", "apply_levels", "scope_of"]

ROOT: Final = "root"


class Scope:
    """A logger's name and its level right now; all loggers of one name share it, so levels can change under them."""

    __slots__ = ("level", "name")

    def __init__(self, name: str, level: int) -> None:
        self.name: str = name
        self.level: int = level

    def __repr__(self) -> str:
        return f"Scope({self.name!r}, level={self.level})"

    def __reduce__(self) -> tuple[Any, ...]:
        return scope_of, (self.name,)  # another process has its own levels


_lock = threading.Lock()
_scopes: dict[str, Scope] = {}
_levels: dict[str, int] = {ROOT: logging.NOTSET}


def scope_of(name: str = "") -> Scope:
    """Give the scope of a name, always the same one."""
    name = name or ROOT
    scope = _scopes.get(name)
    if scope is None:
        with _lock:
            scope = _scopes.setdefault(name, Scope(name, _level_of(name)))
    return scope


def apply_levels(levels: Mapping[str, int]) -> None:
    """Replace the levels of all names, known or yet to come."""
    with _lock:
        _levels.clear()
        _levels.update(levels)
        _levels.setdefault(ROOT, logging.NOTSET)
        for name, scope in _scopes.items():
            scope.level = _level_of(name)


def _level_of(name: str) -> int:
    while name not in _levels:
        name, dot, _ = name.rpartition(".")
        if not dot:
            return _levels[ROOT]
    return _levels[name]
