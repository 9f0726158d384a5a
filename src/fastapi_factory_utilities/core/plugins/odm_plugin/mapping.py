"""Between an entity and what lies in MongoDB.

Where the document class says nothing that the entity does not say as well, an entity goes straight to BSON values and
back, with one dump and one validation (`DirectMapping`). Where it does (validators, other types, links, fields of its
own), everything goes through the document class, as Beanie would have it (`DocumentMapping`).
"""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any
from uuid import uuid4

from beanie.odm.actions import ActionDirections, ActionRegistry, EventTypes
from beanie.odm.utils.dump import get_dict
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from pydantic import BaseModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from fastapi_factory_utilities.core.plugins.odm_plugin.binding import prepare
from fastapi_factory_utilities.core.plugins.odm_plugin.documents import BaseDocument
from fastapi_factory_utilities.core.plugins.odm_plugin.encoding import ValueEncoders, encode_uuid
from fastapi_factory_utilities.core.plugins.odm_plugin.errors import RepositoryDefinitionError
from fastapi_factory_utilities.core.plugins.odm_plugin.opaque import is_opaque
from fastapi_factory_utilities.core.plugins.odm_plugin.sameness import says_the_same

__all__ = ["EntityMapping", "map_entity"]

# Aware times, whatever the client says; see `opaque` for the two forms of UUIDs.
CODEC: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
OPAQUE_CODEC = CODEC.with_options(uuid_representation=UuidRepresentation.STANDARD)


def map_entity[EntityT: BaseModel](document: type[BaseDocument], entity: type[EntityT]) -> "EntityMapping[EntityT]":
    """Choose the mapping of an entity, and make its document class usable.

    Raises:
        RepositoryDefinitionError: The two do not fit together; nothing was stored.
    """
    prepare(document)
    _refuse_actions(document)
    mapping = DirectMapping if says_the_same(document, entity) else DocumentMapping
    return mapping(document, entity)


class EntityMapping[EntityT: BaseModel](ABC):
    """How entities become documents, which keys those have, and back.

    Attributes:
        document: The document class.
        entity: The entity class.
        collection_name: The collection's name.
        keys: The keys in MongoDB of the document's fields, by the fields' names.
        use_revision: Whether `revision_id` is kept and compared.
        scope: What every filter has to hold too: the document's kind, in a collection that is shared with others.
        encoders: How the document's values are encoded.
        native_uuids: Whether the driver reads and writes UUIDs, because the entity may hold some it does not name.
        codec: How the driver encodes and reads documents.
    """

    def __init__(self, document: type[BaseDocument], entity: type[EntityT]) -> None:
        settings = document.get_settings()
        fields = document.model_fields
        self._collection: AsyncCollection[dict[str, Any]] | None = None
        self.document = document
        self.entity = entity
        self.collection_name: str = settings.name or document.__name__
        self.use_revision: bool = settings.use_revision
        self.keep_nulls: bool = settings.keep_nulls
        self.keys: dict[str, str] = {
            name: field.alias or name
            for name, field in fields.items()
            if (self.use_revision if name == "revision_id" else field.exclude is not True)
        }
        self.native_uuids: bool = is_opaque(entity)
        self.codec: CodecOptions[dict[str, Any]] = OPAQUE_CODEC if self.native_uuids else CODEC
        self.encoders: ValueEncoders = ValueEncoders(
            settings.bson_encoders, keep_nulls=settings.keep_nulls, native_uuids=self.native_uuids
        )
        kind = document._class_id  # noqa: SLF001 - Beanie's inheritance has no other name for it
        self.scope: dict[str, Any] = {settings.class_id: kind} if kind else {}
        shared = [name for name in self.keys if name in entity.model_fields]
        self.owned: tuple[tuple[str, str], ...] = tuple((name, self.keys[name]) for name in shared)
        self._check(shared)
        config = entity.model_config
        self._validate_entity = entity.__pydantic_validator__.validate_python
        self._known = frozenset(entity.model_fields) if config.get("extra") in ("forbid", "allow") else None
        self._by_name = any(field.validation_alias is not None for field in entity.model_fields.values())

    def collection_in(self, database: AsyncDatabase[Any]) -> AsyncCollection[dict[str, Any]]:
        """Return the collection; the last one is kept, because a repository may be made for each request."""
        if self._collection is None or self._collection.database is not database:
            self._collection = database.get_collection(self.collection_name, codec_options=self.codec)
        return self._collection

    @abstractmethod
    def encode(self, entity: EntityT) -> dict[str, Any]:
        """Return an entity as the document to insert, by key.

        Raises:
            ValueError: A value does not fit the document, or has no form in BSON.
        """

    @abstractmethod
    def decode(self, document: dict[str, Any]) -> EntityT:
        """Return the entity of a document that was read; the dictionary is used up.

        Raises:
            ValidationError: It does not fit.
        """

    def encode_owned(self, entity: EntityT) -> dict[str, Any]:
        """Return what an update sets: the keys that the entity has a say in."""
        return self.encode(entity)

    def stamps(self, now: datetime) -> dict[str, Any]:
        """Return what every write sets: the time, and a new revision."""
        stamps = {self.keys["updated_at"]: self.encoders.encode(now)}
        if self.use_revision:
            revision = uuid4()
            stamps[self.keys["revision_id"]] = revision if self.native_uuids else encode_uuid(revision)
        return stamps

    def _make(self, values: dict[str, Any]) -> EntityT:
        """Validate values by the entity's field names."""
        if self._known is not None:
            values = {name: value for name, value in values.items() if name in self._known}
        # Lax even where the model is strict: BSON has no UUID, enum or set of Python's.
        if self._by_name:
            return self._validate_entity(values, strict=False, by_alias=True, by_name=True)  # type: ignore[no-any-return]  # a validator is not generic
        return self._validate_entity(values, strict=False)  # type: ignore[no-any-return]  # a validator is not generic

    def _check(self, shared: list[str]) -> None:
        document, entity = self.document, self.entity
        if "id" not in entity.model_fields:
            raise RepositoryDefinitionError(f"{entity.__name__} has no field `id`: extend PersistedEntity")
        lost = [name for name, field in entity.model_fields.items() if field.is_required() and name not in self.keys]
        if lost:
            raise RepositoryDefinitionError(
                f"{entity.__name__} requires {', '.join(lost)}, which {document.__name__} does not store: add it to "
                f"{document.__name__}, or give it a default in {entity.__name__}"
            )
        missing = [name for name in self.keys if document.model_fields[name].is_required() and name not in shared]
        if missing:
            raise RepositoryDefinitionError(
                f"{document.__name__} requires {', '.join(missing)}, which {entity.__name__} does not have: add it to "
                f"{entity.__name__}, or give it a default in {document.__name__}"
            )


class DirectMapping[EntityT: BaseModel](EntityMapping[EntityT]):
    """Straight from the entity to BSON values and back."""

    def __init__(self, document: type[BaseDocument], entity: type[EntityT]) -> None:
        super().__init__(document, entity)
        self._renamed = tuple((key, name) for name, key in self.owned if key != name)
        # A document from before the field existed: the document class has a default, the entity wants a value.
        self._absent = tuple(
            (name, document.model_fields[name])
            for name, _ in self.owned
            if entity.model_fields[name].is_required() and not document.model_fields[name].is_required()
        )

    def encode(self, entity: EntityT) -> dict[str, Any]:
        """See `EntityMapping.encode`."""
        values = entity.__dict__
        encoders = self.encoders
        keep_nulls = self.keep_nulls
        document = {}
        try:
            for name, key in self.owned:
                value = values[name]
                if value is None and not keep_nulls:
                    continue
                encode = encoders[type(value)]
                document[key] = value if encode is None else encode(value)
        except KeyError as missing:
            raise ValueError(f"the {type(entity).__name__} has no value for {missing}") from None
        return document

    def decode(self, document: dict[str, Any]) -> EntityT:
        """See `EntityMapping.decode`."""
        for key, name in self._renamed:
            if key in document:
                document[name] = document.pop(key)
        for name, field in self._absent:
            if name not in document:
                document[name] = field.get_default(call_default_factory=True, validated_data=document)
        return self._make(document)


class DocumentMapping[EntityT: BaseModel](EntityMapping[EntityT]):
    """Through the document class, which validates what is written and what is read."""

    def __init__(self, document: type[BaseDocument], entity: type[EntityT]) -> None:
        super().__init__(document, entity)
        self._owned_keys = frozenset(key for _, key in self.owned)
        self._excluded = [name for name in self.keys if document.model_fields[name].exclude is True]

    def encode(self, entity: EntityT) -> dict[str, Any]:
        """See `EntityMapping.encode`."""
        values = entity.model_dump(by_alias=False, warnings=False)
        given = {name: values[name] if name in values else getattr(entity, name) for name, _ in self.owned}
        document = self.document.__new__(self.document)
        # As the model's own constructor does, but nested models may be given by name, too.
        self.document.__pydantic_validator__.validate_python(
            given, self_instance=document, by_name=True, by_alias=False
        )
        encoded: dict[str, Any] = self.encoders.rounded(get_dict(document, to_db=True, keep_nulls=self.keep_nulls))
        return encoded

    def encode_owned(self, entity: EntityT) -> dict[str, Any]:
        """See `EntityMapping.encode_owned`."""
        return {key: value for key, value in self.encode(entity).items() if key in self._owned_keys}

    def decode(self, document: dict[str, Any]) -> EntityT:
        """See `EntityMapping.decode`."""
        parsed = self.document.model_validate(document)
        values = parsed.model_dump(by_alias=False, warnings=False)
        for name in self._excluded:
            values[name] = getattr(parsed, name)
        return self._make(values)


def _refuse_actions(document: type[BaseDocument]) -> None:
    for event in EventTypes:
        for direction in ActionDirections:
            actions = ActionRegistry.get_action_list(document, event, direction)
            if actions:
                raise RepositoryDefinitionError(
                    f"{document.__name__}.{actions[0].__name__} is a Beanie event action, which a repository does not "
                    f"run: override the repository's insert() or update() instead"
                )
