"""Python values as BSON values, by Beanie's rules and at a fraction of their price.

Beanie decides how to encode a value by asking its type one question after another. The answer depends on the type
alone, so here it is asked once for each type and kept. One thing differs: times become aware UTC in whole milliseconds
here and not only in the driver, so that what is returned after a write is what a later read gives.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from beanie import Document
from beanie.odm.utils.encoder import BSON_SCALAR_TYPES, DEFAULT_CUSTOM_ENCODERS, Encoder
from bson.binary import UUID_SUBTYPE, Binary
from pydantic import BaseModel, RootModel

from fastapi_factory_utilities.core.plugins.odm_plugin.documents import to_utc

__all__ = ["ValueEncoders", "encode_uuid"]

type Encode = Callable[[Any], Any]


def encode_uuid(value: UUID) -> Binary:
    """Encode a UUID as the standard representation has it, whatever the client's setting is (as Beanie does)."""
    return Binary(value.bytes, UUID_SUBTYPE)


class ValueEncoders(dict[type, Encode | None]):
    """How to encode a value, by its exact type; `None` means that it is a BSON value as it is.

    Args:
        custom: The document's `Settings.bson_encoders`.
        keep_nulls: Whether a nested model's fields are stored when they are `None`.
        native_uuids: Whether the driver is left to encode UUIDs (its codec has the standard representation).
    """

    def __init__(self, custom: Mapping[type, Encode], *, keep_nulls: bool, native_uuids: bool = False) -> None:
        super().__init__()
        self._native_uuids = native_uuids
        self._custom = custom
        self._keep_nulls = keep_nulls

    def __missing__(self, kind: type) -> Encode | None:
        """Find out how Beanie encodes a type, and remember it."""
        encode = self[kind] = self._find(kind)
        return encode

    def encode(self, value: Any) -> Any:  # noqa: ANN401 - any value there is
        """Encode one value.

        Raises:
            ValueError: It has no form in BSON.
        """
        encode = self[type(value)]
        return value if encode is None else encode(value)

    def _find(self, kind: type) -> Encode | None:
        """Ask what Beanie asks, in its order."""
        custom = _by_type(kind, self._custom)
        if custom is not None:
            return custom
        if issubclass(kind, datetime):
            return to_utc
        if issubclass(kind, BSON_SCALAR_TYPES) or kind is bytes:  # the driver makes of bytes what Beanie does
            return None
        if kind is UUID:
            return None if self._native_uuids else encode_uuid
        return _by_type(kind, DEFAULT_CUSTOM_ENCODERS) or self._find_for_many(kind)

    def _find_for_many(self, kind: type) -> Encode:
        if issubclass(kind, BaseModel):
            is_plain = _is_plain(kind) and not issubclass(kind, Document)
            return self._model(kind) if is_plain else self._as_beanie_does
        if issubclass(kind, Mapping):
            return self._mapping
        return self._list if issubclass(kind, Iterable) else self._refuse

    def _mapping(self, value: Mapping[Any, Any]) -> dict[Any, Any]:
        encode = self.encode
        return {key if isinstance(key, Enum) else str(key): encode(item) for key, item in value.items()}

    def _list(self, value: Iterable[Any]) -> list[Any]:
        encode = self.encode
        return [encode(item) for item in value]

    def _model(self, kind: type[BaseModel]) -> Encode:
        keys = {name: field.alias or name for name, field in kind.model_fields.items() if field.exclude is not True}
        keep_nulls = self._keep_nulls
        encode = self.encode

        def encode_model(value: BaseModel) -> dict[str, Any]:
            return {
                keys[name]: encode(item)
                for name, item in value.__dict__.items()
                if name in keys and (keep_nulls or item is not None)
            }

        return encode_model

    def _as_beanie_does(self, value: object) -> Any:  # noqa: ANN401 - whatever Beanie makes of it
        return self.rounded(
            Encoder(custom_encoders=self._custom, to_db=True, keep_nulls=self._keep_nulls).encode(value)
        )

    def rounded(self, value: Any) -> Any:  # noqa: ANN401 - BSON values
        """Return BSON values with their times as MongoDB keeps them."""
        if isinstance(value, dict):
            return {key: self.rounded(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.rounded(item) for item in value]
        return to_utc(value) if isinstance(value, datetime) else value

    def _refuse(self, value: object) -> Any:  # noqa: ANN401 - never returns
        raise ValueError(
            f"a value of type {type(value).__name__} has no form in BSON: add it to Settings.bson_encoders"
        )


def _by_type(kind: type, encoders: Mapping[type, Encode]) -> Encode | None:
    if kind in encoders:
        return encoders[kind]
    return next((encode for base, encode in encoders.items() if issubclass(kind, base)), None)


def _is_plain(kind: type[BaseModel]) -> bool:
    """Whether a model's fields are all there is to it."""
    return (
        not issubclass(kind, RootModel)
        and kind.__iter__ is BaseModel.__iter__
        and kind.model_config.get("extra") != "allow"
    )
