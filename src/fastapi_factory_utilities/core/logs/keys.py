"""The keys of an event: those that mean something to a line, those that hold secrets, and all others."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi_factory_utilities.core.redaction import REDACTED, is_secret_name

__all__ = ["INSTRUCTIONS", "are_ordinary", "settled"]

INSTRUCTIONS: Final = frozenset({"exc_info", "stack_info"})
"""Keys that ask for something rather than tell something."""

_RESERVED: Final = frozenset({"timestamp", "level", "logger", "event", "exception"})
_REMEMBERED: Final = 4_096

_ordinary: set[str] = set()


def are_ordinary(entry: Mapping[str, Any]) -> bool:
    """Say whether no key of an entry is special; cheap, as the same keys come again and again."""
    if _ordinary.issuperset(entry):
        return True
    for key in entry:
        if key not in _ordinary:
            if key in _RESERVED or key in INSTRUCTIONS or is_secret_name(key):
                return False
            if len(_ordinary) < _REMEMBERED:
                _ordinary.add(key)
    return True


def settled(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Mask values under keys that look like a secret's name, and rename keys that every line has already.

    Only `None` is not masked: that there is no token is no secret.
    """
    return {
        f"{key}_" if key in _RESERVED else key: REDACTED if value is not None and is_secret_name(key) else value
        for key, value in entry.items()
    }
