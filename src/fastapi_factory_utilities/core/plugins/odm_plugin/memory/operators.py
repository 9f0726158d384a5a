"""What may be said of one field: `{"pages": {"$gt": 100}}`.

A check is asked about the ends of a path: usually one value, several where the path goes through an array. Most
operators look into an array at the end, too: one element that fits is enough.
"""

import math
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from bson import Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from pymongo.errors import OperationFailure

from fastapi_factory_utilities.core.plugins.odm_plugin.memory.ordering import MAX, MIN, ordered, rank
from fastapi_factory_utilities.core.plugins.odm_plugin.memory.paths import MISSING

__all__ = ["CHECKS", "Check", "equals", "malformed", "matches"]

type Ends = Sequence[Any]
type Check = Callable[[Ends], bool]

_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE, "u": re.UNICODE}


def malformed(said: str, code: int = 2) -> OperationFailure:
    """Return the error of a filter that a server would refuse; 2 is BadValue in MongoDB's error_codes.yml."""
    return OperationFailure(said, code, {"code": code, "codeName": "BadValue"})


def _with_elements(ends: Ends) -> Iterator[Any]:
    for end in ends:
        yield end
        if isinstance(end, list):
            yield from end


def equals(operand: Any) -> Check:  # noqa: ANN401 - any BSON value
    """Equal to it; None is equal to nothing being there; a regular expression is matched."""
    if operand is None:
        return lambda ends: any(value is None or value is MISSING for value in _with_elements(ends))
    if isinstance(operand, Regex):
        return matches(operand)
    return _same(operand)


def _same(operand: Any) -> Check:  # noqa: ANN401 - any BSON value
    wanted = ordered(operand)
    return lambda ends: any(value is not MISSING and ordered(value) == wanted for value in _with_elements(ends))


def _equals_exactly(operand: Any) -> Check:  # noqa: ANN401 - any BSON value
    return _same(operand) if isinstance(operand, Regex) else equals(operand)


def _differs(operand: Any) -> Check:  # noqa: ANN401 - any BSON value
    check = _equals_exactly(operand)
    return lambda ends: not check(ends)


def _compares(compare: Callable[[Any, Any], bool]) -> Callable[[Any], Check]:
    includes_equal = compare(1, 1)

    def make(operand: Any) -> Check:  # noqa: ANN401 - any BSON value
        if isinstance(operand, Regex):
            raise malformed("a regular expression cannot be compared")
        place, wanted, nothing = rank(operand), ordered(operand), operand is None and includes_equal
        not_a_number = ordered(float("nan"))

        def holds(value: Any) -> bool:  # noqa: ANN401 - any BSON value
            if value is MISSING:
                return nothing
            if place not in (MIN, MAX) and rank(value) != place:
                return False
            given = ordered(value)
            if not_a_number in (given, wanted):
                return includes_equal and given == wanted
            return compare(given, wanted)

        return lambda ends: any(holds(value) for value in _with_elements(ends))

    return make


def _is_one_of(operand: Any) -> Check:  # noqa: ANN401 - anything may be given
    if not isinstance(operand, list):
        raise malformed("$in and $nin need an array")
    if any(isinstance(item, dict) and next(iter(item), "").startswith("$") for item in operand):
        raise malformed("operators cannot be nested in $in and $nin")
    checks = [equals(item) for item in operand]
    return lambda ends: any(check(ends) for check in checks)


def _is_none_of(operand: Any) -> Check:  # noqa: ANN401 - anything may be given
    check = _is_one_of(operand)
    return lambda ends: not check(ends)


def matches(operand: Any, options: str | None = None) -> Check:  # noqa: ANN401 - anything may be given
    """Match a regular expression; MongoDB's are PCRE, which Python's `re` resembles closely."""
    if isinstance(operand, Regex):
        pattern, flags = operand.pattern, operand.flags
    elif isinstance(operand, str):
        pattern, flags = operand, 0
    else:
        raise malformed("$regex needs a string or a regular expression")
    if options is not None:
        unknown = set(options) - _FLAGS.keys()
        if unknown:
            raise malformed("$options has an unknown flag", 51108)
        flags = 0
        for option in options:
            flags |= _FLAGS[option]
    try:
        compiled = re.compile(pattern, flags)
    except (re.error, ValueError) as error:
        raise malformed("$regex is not a valid regular expression", 51091) from error
    same = _same(Regex(pattern, flags))
    return lambda ends: (
        any(isinstance(value, str) and compiled.search(value) for value in _with_elements(ends)) or same(ends)
    )


def _exists(operand: Any) -> Check:  # noqa: ANN401 - anything may be given
    return lambda ends: any(end is not MISSING for end in ends) == bool(operand)


def _has_size(operand: Any) -> Check:  # noqa: ANN401 - anything may be given
    is_count = isinstance(operand, int | float) and not isinstance(operand, bool) and float(operand).is_integer()
    if not is_count or operand < 0:
        raise malformed("$size needs a number of elements")
    return lambda ends: any(isinstance(end, list) and len(end) == operand for end in ends)


def _has_remainder(operand: Any) -> Check:  # noqa: ANN401 - anything may be given
    match operand:
        case [int() | float() as first, int() | float() as second]:
            divisor, remainder = int(first), int(second)
        case _:
            raise malformed("$mod needs a divisor and a remainder")
    if divisor == 0:
        raise malformed("$mod cannot divide by 0")

    def holds(value: Any) -> bool:  # noqa: ANN401 - any BSON value
        if isinstance(value, Decimal128):
            value = value.to_decimal()
        return (
            not isinstance(value, bool)
            and isinstance(value, int | float | Decimal)
            and math.isfinite(value)
            and int(value) - divisor * int(int(value) / divisor) == remainder
        )

    return lambda ends: any(holds(value) for value in _with_elements(ends))


_TYPES: dict[str | int, Callable[[Any], bool]] = {
    "double": lambda value: isinstance(value, float),
    "string": lambda value: isinstance(value, str),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "binData": lambda value: isinstance(value, bytes),
    "objectId": lambda value: isinstance(value, ObjectId),
    "bool": lambda value: isinstance(value, bool),
    "date": lambda value: isinstance(value, datetime),
    "null": lambda value: value is None,
    "regex": lambda value: isinstance(value, Regex),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool | Int64),
    "timestamp": lambda value: isinstance(value, Timestamp),
    "long": lambda value: isinstance(value, Int64),
    "decimal": lambda value: isinstance(value, Decimal128),
    "minKey": lambda value: isinstance(value, MinKey),
    "maxKey": lambda value: isinstance(value, MaxKey),
    "number": lambda value: isinstance(value, int | float | Decimal128) and not isinstance(value, bool),
}
# Numbers of the BSON types (https://bsonspec.org), in the order of the names above.
_TYPES |= {
    number: _TYPES[name]
    for number, name in zip((1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 16, 17, 18, 19, -1, 127), list(_TYPES), strict=False)
}


def _has_type(operand: Any) -> Check:  # noqa: ANN401 - anything may be given
    names = operand if isinstance(operand, list) else [operand]
    if not names or any(not isinstance(name, str | int | float) or name not in _TYPES for name in names):
        raise malformed("$type needs names or numbers of BSON types")
    kinds = [_TYPES[name] for name in names]
    return lambda ends: any(
        value is not MISSING and any(is_kind(value) for is_kind in kinds) for value in _with_elements(ends)
    )


CHECKS: dict[str, Callable[[Any], Check]] = {
    "$eq": _equals_exactly,
    "$ne": _differs,
    "$gt": _compares(operator.gt),
    "$gte": _compares(operator.ge),
    "$lt": _compares(operator.lt),
    "$lte": _compares(operator.le),
    "$in": _is_one_of,
    "$nin": _is_none_of,
    "$exists": _exists,
    "$size": _has_size,
    "$mod": _has_remainder,
    "$type": _has_type,
}
"""How each operator is made into a check; those that need the whole filter are in `matching`."""
