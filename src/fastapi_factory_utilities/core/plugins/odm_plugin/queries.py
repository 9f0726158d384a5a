"""Filters and sort orders, as a service writes them and as MongoDB reads them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from beanie import SortDirection

from fastapi_factory_utilities.core.plugins.odm_plugin.encoding import ValueEncoders, encode_uuid
from fastapi_factory_utilities.core.plugins.odm_plugin.mapping import EntityMapping

__all__ = ["Filter", "Query", "Sort", "SortKey"]

type Filter = Mapping[Any, Any] | UUID | bool
"""A Beanie expression (`Book.title == "x"`, which type checkers take for a `bool`), a dictionary, or an id."""

type SortKey = str | tuple[str, SortDirection | int]
"""A field's name, `-name` to begin with the greatest, `-Book.title`, or a pair of name and direction."""

type Sort = SortKey | Sequence[SortKey]

_LISTS = frozenset({"$and", "$or", "$nor"})


class Query:
    """Turns filters and sort orders of one mapping into MongoDB's.

    Fields may be called by their name in the document class or by their key in MongoDB: `id` or `_id`.
    """

    def __init__(self, mapping: EntityMapping[Any]) -> None:
        self._document = mapping.document
        self._scope = mapping.scope
        self._has_links = bool(mapping.document.get_link_fields())
        keys = mapping.keys
        self._renamed = {name: key for name, key in keys.items() if name != key and name not in keys.values()}
        # A filter for None is a filter, whatever the document's settings say of storing it.
        custom = mapping.document.get_settings().bson_encoders
        self._encoders = ValueEncoders(custom, keep_nulls=True, native_uuids=mapping.native_uuids)

    def filter(self, filters: Iterable[Filter]) -> dict[str, Any]:
        """Return one filter that holds where all of them hold.

        Raises:
            TypeError: One of them is no filter: a comparison that Python answered instead of Beanie, say.
        """
        parts = [part for item in filters if (part := self._part(item))]
        if self._scope:
            parts.append(self._scope)
        if not parts:
            return {}
        return parts[0] if len(parts) == 1 else {"$and": parts}

    def by_id(self, entity_id: UUID) -> dict[str, Any]:
        """Return the filter for one document."""
        return {"_id": encode_uuid(entity_id), **self._scope}

    def sort(self, sort: Sort | None) -> list[tuple[str, int]]:
        """Return keys and directions.

        Raises:
            TypeError: It is no sort order.
        """
        if sort is None:
            return []
        if isinstance(sort, str) or _is_pair(sort):
            return [self._sort_key(cast("SortKey", sort))]
        return [self._sort_key(key) for key in cast("Sequence[SortKey]", sort)]

    def _part(self, item: Filter) -> dict[str, Any]:
        if isinstance(item, UUID):
            return {"_id": encode_uuid(item)}
        if not isinstance(item, Mapping):
            raise TypeError(
                f"a filter is a Beanie expression, a dictionary or an id, and not a {type(item).__name__}: compare the "
                f"document class's field ({self._document.__name__}.field == value), not a value"
            )
        if self._has_links:
            return self._document.find(item).get_filter_query()
        return self._conditions(item)

    def _conditions(self, item: Mapping[Any, Any]) -> dict[str, Any]:
        conditions: dict[str, Any] = {}
        for field, value in item.items():
            name = str(field)
            if name in _LISTS and isinstance(value, list | tuple):
                conditions[name] = [
                    self._conditions(part) if isinstance(part, Mapping) else self._encoders.encode(part)
                    for part in value
                ]
            elif name.startswith("$"):
                conditions[name] = self._encoders.encode(value)
            else:
                conditions[self._key(name)] = self._encoders.encode(value)
        return conditions

    def _key(self, name: str) -> str:
        first, dot, rest = name.partition(".")
        return f"{self._renamed.get(first, first)}{dot}{rest}"

    def _sort_key(self, key: SortKey) -> tuple[str, int]:
        if isinstance(key, str):
            name, direction = str(key), 1
            if name[:1] in ("+", "-"):
                name, direction = name[1:], -1 if name[0] == "-" else 1
        elif _is_pair(key):
            name, direction = str(key[0]), int(key[1])
        else:
            raise TypeError(f"a sort key is a name or a pair of name and direction, and not a {type(key).__name__}")
        if direction not in (1, -1) or not name:
            raise TypeError("a sort key has a name, and a direction of 1 or -1")
        return self._key(name), direction


def _is_pair(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 2  # noqa: PLR2004 - a pair
        and isinstance(value[0], str)
        and isinstance(value[1], int)  # SortDirection is an int, too
    )
