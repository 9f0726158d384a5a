"""What providers answer, read by the letter."""

import json
from typing import Any

from fastapi_factory_utilities.core.security.jwt.sources.errors import KeySourceError

__all__ = ["json_object"]


def json_object(content: bytes, told: str) -> dict[str, Any]:
    """Read a JSON object (RFC 8259) in UTF-8 whose names are unique in each object.

    Args:
        content: The document.
        told: Where it is from, for the error.

    Raises:
        KeySourceError: It is not one.
    """
    try:
        value = json.loads(content.decode(), object_pairs_hook=_unique, parse_constant=_refused)
    except (ValueError, RecursionError):
        # Neither the content nor the parser's words about it are for logs.
        raise KeySourceError(f"{told} is no JSON object, or says something twice") from None
    if not isinstance(value, dict):
        raise KeySourceError(f"{told} is no JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name is there twice")
    return value


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
