"""Dotted paths into documents, through arrays as well."""

from collections.abc import Iterator
from typing import Any, Final

__all__ = ["MISSING", "reach"]


class _Missing:
    """There is nothing at this path."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


def reach(value: Any, path: str) -> Iterator[Any]:  # noqa: ANN401 - BSON values
    """Yield what is at the end of a path: one value, or `MISSING`; through an array, that of each of its documents.

    A part of the path that is a number also means that element of an array.
    """
    return _reach(value, path.split("."))


def _reach(value: Any, parts: list[str]) -> Iterator[Any]:  # noqa: ANN401 - BSON values
    if not parts:
        yield value
    elif isinstance(value, dict):
        if parts[0] in value:
            yield from _reach(value[parts[0]], parts[1:])
        else:
            yield MISSING
    elif isinstance(value, list):
        if parts[0].isdecimal() and int(parts[0]) < len(value):
            yield from _reach(value[int(parts[0])], parts[1:])
        for item in value:
            if isinstance(item, dict):
                yield from _reach(item, parts)
    else:
        yield MISSING
