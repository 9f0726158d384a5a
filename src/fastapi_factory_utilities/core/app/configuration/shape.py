"""What a place in the configuration accepts, read from the annotations of the models."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import is_dataclass
from datetime import date, time, timedelta
from enum import Enum
from numbers import Number
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, Self, TypeAliasType, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

from fastapi_factory_utilities.core.app.configuration.tree import loosely

__all__ = ["Shape", "accepted_keys"]

_TEXT: Final = (str, bytes, Enum)
_NOT_TEXT: Final = (Number, date, time, timedelta, NoneType)


def accepted_keys(name: str, info: FieldInfo, model: type[BaseModel]) -> tuple[str, ...]:
    """The keys under which a field can be given, the preferred one first."""
    alias = info.validation_alias
    if alias is None:
        return (name,)
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    keys = [choice for choice in choices if isinstance(choice, str)]
    if model.model_config.get("populate_by_name") or model.model_config.get("validate_by_name"):
        keys.append(name)
    return tuple(keys)


class Shape(NamedTuple):
    """The alternatives that a place accepts; none at all when nothing is known of it.

    Attributes:
        arms: The members of the union, or the one type.
    """

    arms: tuple[Any, ...] = ()

    @classmethod
    def of(cls, annotation: Any) -> Self:  # noqa: ANN401 - annotations have no type in common
        """Read an annotation."""
        return cls(tuple(_arms(annotation)))

    @property
    def models(self) -> tuple[type[BaseModel], ...]:
        """The models that it may be an instance of."""
        return tuple(arm for arm in self.arms if isinstance(arm, type) and issubclass(arm, BaseModel))

    @property
    def fields(self) -> dict[str, FieldInfo]:
        """The fields of the models, by each key that is accepted."""
        return {
            key: info
            for model in self.models
            for name, info in model.model_fields.items()
            for key in accepted_keys(name, info, model)
        }

    @property
    def accepts_none(self) -> bool:
        """Whether null is a value."""
        return NoneType in self.arms

    @property
    def accepts_structure(self) -> bool:
        """Whether a list or a mapping is a value."""
        return any(_is_structure(arm) for arm in self.arms)

    @property
    def accepts_mapping(self) -> bool:
        """Whether a mapping is a value."""
        return bool(self.models) or any(_is_a(arm, Mapping) or is_dataclass(arm) for arm in self.arms)

    @property
    def accepts_text(self) -> bool:
        """Whether text is a value as it is, without being read as a number or the like."""
        return any(_is_text(arm) for arm in self.arms)

    @property
    def is_text(self) -> bool:
        """Whether nothing but text is a value, so that `"0123"` must not become a number on its way."""
        arms = [arm for arm in self.arms if arm is not NoneType]
        return bool(arms) and all(_is_text(arm) for arm in arms)

    def find(self, name: str) -> str | None:
        """Find the key that an environment variable means: without case, `_` for `-`."""
        loose = loosely(name)
        return next((key for key in self.fields if loosely(key) == loose), None)

    def child(self, key: str) -> "Shape":
        """The shape of what is under a key."""
        info = self.fields.get(key)
        if info is not None:
            return Shape.of(info.annotation)
        for arm in self.arms:
            if _is_a(arm, Mapping) and len(get_args(arm)) == len(("key", "value")):
                return Shape.of(get_args(arm)[1])
        return Shape()

    def item(self) -> "Shape":
        """The shape of the items of a list."""
        for arm in self.arms:
            if _is_a(arm, Collection) and not _is_a(arm, Mapping) and get_args(arm):
                return Shape.of(get_args(arm)[0])
        return Shape()


def _arms(annotation: Any) -> Iterator[Any]:  # noqa: ANN401 - see `Shape.of`
    if isinstance(annotation, TypeAliasType):
        yield from _arms(annotation.__value__)
    elif get_origin(annotation) is Annotated:
        yield from _arms(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for arm in get_args(annotation):
            yield from _arms(arm)
    else:
        yield annotation


def _is_a(arm: Any, kind: type) -> bool:  # noqa: ANN401 - see `Shape.of`
    origin = get_origin(arm) or arm
    return isinstance(origin, type) and issubclass(origin, kind)


def _is_structure(arm: Any) -> bool:  # noqa: ANN401 - see `Shape.of`
    if any(_is_a(arm, kind) for kind in _TEXT):
        return False
    return _is_a(arm, BaseModel) or _is_a(arm, Collection) or is_dataclass(arm)


def _is_text(arm: Any) -> bool:  # noqa: ANN401 - see `Shape.of`
    if get_origin(arm) is Literal:
        return all(isinstance(choice, str) for choice in get_args(arm))
    if not isinstance(arm, type) or arm in (Any, object):
        return False  # `Any`, type variables: unknown
    return not any(_is_a(arm, kind) for kind in _NOT_TEXT) and not _is_structure(arm)
