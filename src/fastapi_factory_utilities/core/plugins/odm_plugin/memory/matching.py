"""Whether a filter holds for a document, as MongoDB's find has it.

A filter is made into a function once and then asked of each document. What is not known is refused, never guessed.
"""

from collections.abc import Callable, Mapping
from typing import Any

from bson import Regex

from fastapi_factory_utilities.core.plugins.odm_plugin.errors import OperationError
from fastapi_factory_utilities.core.plugins.odm_plugin.memory.operators import (
    CHECKS,
    Check,
    equals,
    malformed,
    matches,
)
from fastapi_factory_utilities.core.plugins.odm_plugin.memory.paths import reach

__all__ = ["Predicate", "predicate_of"]

type Predicate = Callable[[Any], bool]

# What MongoDB knows and this module does not.
_ONLY_A_SERVER_KNOWS = frozenset(
    {
        *("$expr", "$jsonSchema", "$text", "$where", "$rand", "$sampleRate"),
        *("$near", "$nearSphere", "$geoWithin", "$geoIntersects", "$within"),
        *("$bitsAllSet", "$bitsAnySet", "$bitsAllClear", "$bitsAnyClear"),
    }
)
_OF_REFERENCES = frozenset({"$ref", "$id", "$db"})  # a DBRef is a value, although its keys look like operators


def predicate_of(query: Mapping[str, Any]) -> Predicate:
    """Return whether the filter holds, as a function of a document.

    Raises:
        OperationFailure: The filter is malformed; a server would say so too.
        OperationError: It has an operator that MongoDB knows and this module does not.
    """
    conditions = [_condition(key, value) for key, value in query.items() if key != "$comment"]
    return lambda document: all(condition(document) for condition in conditions)


def _condition(key: str, value: Any) -> Predicate:  # noqa: ANN401 - any BSON value
    if key in ("$and", "$or", "$nor"):
        if not isinstance(value, list) or not value or not all(isinstance(part, dict) for part in value):
            raise malformed(f"{key} needs an array of filters that is not empty")
        parts = [predicate_of(part) for part in value]
        if key == "$and":
            return lambda document: all(part(document) for part in parts)
        if key == "$or":
            return lambda document: any(part(document) for part in parts)
        return lambda document: not any(part(document) for part in parts)
    if key.startswith("$"):
        raise _unknown(key)
    check = _check(value)
    return lambda document: check(list(reach(document, key)))


def _check(value: Any) -> Check:  # noqa: ANN401 - any BSON value
    """What is said of a field: operators, or a value to be equal to."""
    if not _has_operators(value):
        return equals(value)
    checks = [_operator(name, operand, value) for name, operand in value.items() if name != "$options"]
    if "$options" in value and "$regex" not in value:
        raise malformed("$options needs a $regex")
    return lambda ends: all(check(ends) for check in checks)


def _has_operators(value: Any) -> bool:  # noqa: ANN401 - any BSON value
    first = next(iter(value), "") if isinstance(value, dict) else ""
    return first.startswith("$") and first not in _OF_REFERENCES


def _operator(name: str, operand: Any, said: Mapping[str, Any]) -> Check:  # noqa: ANN401 - any BSON value
    if name in CHECKS:
        return CHECKS[name](operand)
    match name:
        case "$regex":
            return matches(operand, said.get("$options"))
        case "$not":
            return _not(operand)
        case "$all":
            return _all(operand)
        case "$elemMatch":
            return _element_matches(operand)
    raise _unknown(name)


def _not(operand: Any) -> Check:  # noqa: ANN401 - anything may be given
    if not isinstance(operand, Regex) and not _has_operators(operand):
        raise malformed("$not needs operators or a regular expression")
    check = _check(operand)
    return lambda ends: not check(ends)


def _all(operand: Any) -> Check:  # noqa: ANN401 - anything may be given
    if not isinstance(operand, list):
        raise malformed("$all needs an array")
    checks = [_check(item) for item in operand]
    return lambda ends: bool(checks) and all(check(ends) for check in checks)


def _element_matches(operand: Any) -> Check:  # noqa: ANN401 - anything may be given
    if not isinstance(operand, dict):
        raise malformed("$elemMatch needs a filter")
    if _has_operators(operand) and next(iter(operand)) not in ("$and", "$or", "$nor"):
        check = _check(operand)
        return lambda ends: any(check([item]) for end in ends if isinstance(end, list) for item in end)
    predicate = predicate_of(operand)
    return lambda ends: any(
        isinstance(item, dict | list) and predicate(item) for end in ends if isinstance(end, list) for item in end
    )


def _unknown(name: str) -> Exception:
    if name in _ONLY_A_SERVER_KNOWS:
        return OperationError(
            f"the in-memory repository does not know {name}: test this query against a server (the mongo_uri fixture)",
            operator=name,
        )
    return malformed(f"unknown operator: {name}")
