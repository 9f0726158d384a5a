"""Whether a model may hold values whose types it does not name.

Reading a UUID as a UUID costs the driver more than all else about a small document, and a model that says `UUID` makes
one of the raw bytes by itself at a fraction of that. Only where a model says `Any` must the driver do it.
"""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAliasType, Union, get_args, get_origin
from uuid import UUID

from bson import ObjectId
from pydantic import AnyUrl, BaseModel, SecretBytes, SecretStr
from pydantic_core import Url

__all__ = ["is_opaque"]

_PLAIN = (
    *(str, int, float, bool, bytes, Decimal, UUID, Enum, NoneType, ObjectId),
    *(date, datetime, time, timedelta),
    *(SecretStr, SecretBytes, AnyUrl, Url, PurePath),
)
_CONTAINERS = (Union, UnionType, list, set, frozenset, tuple, dict)


def is_opaque(model: type[BaseModel]) -> bool:
    """Whether some value in it, however deep, may be anything; `True` when in doubt."""
    return _is_opaque_model(model, set())


def _is_opaque(kind: Any, seen: set[type]) -> bool:  # noqa: ANN401 - any annotation
    if isinstance(kind, TypeAliasType):
        return _is_opaque(kind.__value__, seen)
    if hasattr(kind, "__supertype__"):  # a NewType
        return _is_opaque(kind.__supertype__, seen)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _is_opaque(arguments[0], seen)
    if origin in _CONTAINERS:
        return any(_is_opaque(argument, seen) for argument in arguments if argument is not ...)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _is_opaque_model(kind, seen)
    return origin is not Literal and not (isinstance(kind, type) and issubclass(kind, _PLAIN))


def _is_opaque_model(model: type[BaseModel], seen: set[type]) -> bool:
    if model in seen:
        return False
    seen.add(model)
    return model.model_config.get("extra") == "allow" or any(
        _is_opaque(field.annotation, seen) for field in model.model_fields.values()
    )
