"""The order of BSON values (https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/)."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from bson import DBRef, Decimal128, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.binary import Binary

__all__ = ["EMPTY_ARRAY", "MAX", "MIN", "Ordered", "ordered", "rank"]

type Ordered = tuple[Any, ...]

MIN, NULL, NUMBER, STRING, OBJECT, ARRAY, BINARY, OBJECT_ID, BOOLEAN, DATE, TIMESTAMP, REGEX, DB_REF, OTHER, MAX = (
    range(15)
)

EMPTY_ARRAY: Ordered = (NULL, -1)
"""Where an empty array comes when documents are sorted: before null and missing values."""

_RANKS: dict[type, int] = {
    type(None): NULL,
    bool: BOOLEAN,
    int: NUMBER,
    float: NUMBER,
    Decimal128: NUMBER,
    str: STRING,
    dict: OBJECT,
    list: ARRAY,
    bytes: BINARY,
    Binary: BINARY,
    UUID: BINARY,
    ObjectId: OBJECT_ID,
    datetime: DATE,
    Timestamp: TIMESTAMP,
    Regex: REGEX,
    DBRef: DB_REF,
    MinKey: MIN,
    MaxKey: MAX,
}


def rank(value: object) -> int:
    """Return the place of a value's type among the types."""
    kind = type(value)
    if kind in _RANKS:
        return _RANKS[kind]
    return next((rank for base, rank in _RANKS.items() if isinstance(value, base)), OTHER)


def ordered(value: Any) -> Ordered:  # noqa: ANN401 - any BSON value
    """Return a tuple that compares with another value's tuple as MongoDB compares the two values; it is hashable."""
    place = rank(value)
    form = _FORMS.get(place)
    return (place, value) if form is None else (place, *form(value))


def _of_number(value: Any) -> Ordered:  # noqa: ANN401 - any number
    number = value.to_decimal() if isinstance(value, Decimal128) else value
    is_nan = number.is_nan() if isinstance(number, Decimal) else math.isnan(number)
    return (0,) if is_nan else (1, number)  # NaN is less than every number


def _of_object(value: Mapping[str, Any]) -> Ordered:
    return tuple((rank(item), key, ordered(item)) for key, item in value.items())


def _of_binary(value: bytes) -> Ordered:
    return (len(value), getattr(value, "subtype", 0), bytes(value))


_FORMS: dict[int, Callable[[Any], Ordered]] = {
    MIN: lambda _: (),
    NULL: lambda _: (0,),
    NUMBER: _of_number,
    OBJECT: _of_object,
    ARRAY: lambda value: tuple(ordered(item) for item in value),
    BINARY: lambda value: _of_binary(Binary.from_uuid(value) if isinstance(value, UUID) else value),
    TIMESTAMP: lambda value: (value.time, value.inc),
    REGEX: lambda value: (str(value.pattern), value.flags),
    DB_REF: lambda value: _of_object(value.as_doc()),
    OTHER: lambda value: (type(value).__name__, repr(value)),
    MAX: lambda _: (),
}
"""What compares values of one rank, where the values do not do so themselves."""
