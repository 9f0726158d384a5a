"""Documents in order."""

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi_factory_utilities.core.plugins.odm_plugin.memory.ordering import EMPTY_ARRAY, Ordered, ordered
from fastapi_factory_utilities.core.plugins.odm_plugin.memory.paths import MISSING, reach

__all__ = ["in_order"]


def in_order[StoredT](
    stored: Sequence[StoredT], documents: Sequence[dict[str, Any]], sort: Sequence[tuple[str, int]]
) -> list[StoredT]:
    """Return what is stored in the order of its documents; those that are equal in it stay as they are."""
    places = list(range(len(stored)))
    for path, direction in reversed(sort):
        keys = [_key(document, path, direction) for document in documents]
        places.sort(key=keys.__getitem__, reverse=direction < 0)
    return [stored[place] for place in places]


def _key(document: dict[str, Any], path: str, direction: int) -> Ordered:
    """An array counts by its least element, or by its greatest where the greatest comes first."""
    keys = list(_keys(document, path)) or [ordered(None)]
    return min(keys) if direction > 0 else max(keys)


def _keys(document: dict[str, Any], path: str) -> Iterator[Ordered]:
    for end in reach(document, path):
        if end is MISSING:
            yield ordered(None)
        elif isinstance(end, list):
            yield from (ordered(item) for item in end) if end else iter([EMPTY_ARRAY])
        else:
            yield ordered(end)
