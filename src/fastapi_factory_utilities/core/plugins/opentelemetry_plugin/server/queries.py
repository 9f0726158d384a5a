"""Query strings without what was asked for: names help to find a mistake, values are nobody's business."""

from typing import Final

__all__ = ["without_values"]

_VALUE: Final = "REDACTED"
_PARTS: Final = 32
_NAME: Final = 64


def without_values(query: bytes) -> str:
    """Return a query string with every value replaced.

    What is no pair of name and value may be a value altogether, and is replaced as a whole. Only the first 32 parts are
    told, and 64 characters of each name.
    """
    parts = query.split(b"&", _PARTS)
    shown = [
        f"{name[:_NAME].decode('latin-1')}={_VALUE}" if equals else _VALUE
        for name, equals, _ in (part.partition(b"=") for part in parts[:_PARTS])
    ]
    if len(parts) > _PARTS:
        shown.append("...")
    return "&".join(shown)
