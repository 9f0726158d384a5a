"""Unique indexes: which values a document takes."""

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

from pymongo import IndexModel

from fastapi_factory_utilities.core.plugins.odm_plugin.memory.matching import predicate_of
from fastapi_factory_utilities.core.plugins.odm_plugin.memory.ordering import Ordered, ordered
from fastapi_factory_utilities.core.plugins.odm_plugin.memory.paths import MISSING, reach

__all__ = ["UniqueIndex", "id_index", "unique_indexes"]

# https://unicode.org/reports/tr35/tr35-collation.html: 1 compares letters, 2 accents too, 3 (the default) case too.
_LETTERS, _ACCENTS, _CASE = 1, 2, 3


class UniqueIndex:
    """One unique index, by the options that MongoDB's createIndexes takes."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.name: str = options["name"]
        self.keys: dict[str, Any] = dict(options["key"])
        self._is_sparse = bool(options.get("sparse"))
        partial = options.get("partialFilterExpression")
        self._covers: Callable[[Any], bool] = predicate_of(partial) if partial else lambda _: True
        self._strength: int = (options.get("collation") or {}).get("strength", _CASE)

    def entries(self, document: dict[str, Any]) -> frozenset[Ordered]:
        """Return the values that the document takes: one, several where a field is an array, none if not covered."""
        if not self._covers(document):
            return frozenset()
        ends = [list(reach(document, path)) or [MISSING] for path in self.keys]
        if self._is_sparse and all(end is MISSING for values in ends for end in values):
            return frozenset()
        return frozenset(product(*(tuple(self._values(values)) for values in ends)))

    def _values(self, ends: list[Any]) -> Iterator[Ordered]:
        for end in ends:
            if end is MISSING:
                yield ordered(None)  # a missing field takes the value null
            elif isinstance(end, list) and end:
                yield from (ordered(_folded(item, self._strength)) for item in end)
            else:
                yield ordered(_folded(end, self._strength))


def id_index() -> UniqueIndex:
    """Return the index that every collection has."""
    return UniqueIndex({"name": "_id_", "key": {"_id": 1}})


def unique_indexes(indexes: list[IndexModel]) -> list[UniqueIndex]:
    """Return the unique ones of a collection's indexes, the one of its ids first."""
    return [id_index(), *(UniqueIndex(index.document) for index in indexes if index.document.get("unique"))]


def _folded(value: Any, strength: int) -> Any:  # noqa: ANN401 - any BSON value
    if not isinstance(value, str) or strength >= _CASE:
        return value
    folded = unicodedata.normalize("NFD", value.casefold())
    if strength == _LETTERS:
        folded = "".join(character for character in folded if not unicodedata.combining(character))
    return folded
