"""`AbstractRepository`: entities in, entities out, MongoDB between.

    class Books(AbstractRepository[BookDocument, BookEntity]):
        async def by_author(self, author: str) -> list[BookEntity]:
            return await self.find(BookDocument.author == author, sort="title")

Every method is one round trip to the server, and raises nothing but the errors of `odm_plugin.errors`. Each takes a
`session`, which makes it part of a transaction:

    async with books.transaction() as session:
        await books.insert(book, session=session)
        await authors.update(author, session=session)
"""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any
from uuid import UUID

from fastapi_factory_utilities.core.plugins.odm_plugin import required  # noqa: F401 - tells how to install what follows

# isort: split
from pydantic import BaseModel, ValidationError
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from fastapi_factory_utilities.core.plugins.odm_plugin.changes import Change
from fastapi_factory_utilities.core.plugins.odm_plugin.documents import BaseDocument, utc_now
from fastapi_factory_utilities.core.plugins.odm_plugin.pages import Page
from fastapi_factory_utilities.core.plugins.odm_plugin.queries import Filter, Sort
from fastapi_factory_utilities.core.plugins.odm_plugin.reading import ReadRepository
from fastapi_factory_utilities.core.plugins.odm_plugin.storing import Store, not_found

__all__ = ["AbstractRepository", "Filter", "Page", "Sort"]


class AbstractRepository[DocumentT: BaseDocument, EntityT: BaseModel](ReadRepository[DocumentT, EntityT]):
    """Keeps entities in the collection of a document class (FR18-FR21).

    What is returned is always a new object, equal to what a later read gives. Every document has a revision that each
    write replaces: `update` refuses an entity that was read before somebody else's write. An entity class without
    `revision_id` opts out of that: the last write wins.

    Args:
        database: Where the collection is; `depends_odm_database` gives it. A repository costs nothing to make.
    """

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncClientSession]:
        """Make a transaction, committed at the end of the block and given up when the block raises.

        Pass the session it gives to every method, of any repository of the same client, that takes part. An error
        whose field `transient` is true, such as a conflict with another transaction, goes away when the whole block
        is tried again.
        """
        with self._operations("transaction"):
            async with self.get_session() as session, await session.start_transaction():
                yield session

    async def insert(self, entity: EntityT, session: AsyncClientSession | None = None) -> EntityT:
        """Insert an entity and return it as it was stored: `created_at` and `updated_at` are now.

        Raises:
            UnableToCreateEntityDueToDuplicateKeyError: The id, or a value of a unique index, is taken.
            InvalidDocumentError: It does not fit its own model or the document's; nothing was sent.
        """
        document = self._new(entity, "insert")
        stored = self._load(document.copy(), "insert")
        with self._operations("insert"):
            try:
                await self._collection.insert_one(document, session=session)
            except DuplicateKeyError:
                if not await self._store.has(document, session):
                    raise
        return stored

    async def insert_many(
        self, entities: Iterable[EntityT], session: AsyncClientSession | None = None
    ) -> list[EntityT]:
        """Insert entities in order, and return them as they were stored.

        The first that cannot be inserted ends it: those before it are stored, unless this is part of a transaction.

        Raises:
            UnableToCreateEntityDueToDuplicateKeyError: The field `position` says which one.
            InvalidDocumentError: One does not fit; nothing was sent.
        """
        documents = [self._new(entity, "insert_many") for entity in entities]
        stored = [self._load(document.copy(), "insert_many") for document in documents]
        if documents:
            with self._operations("insert_many"):
                await self._collection.insert_many(documents, session=session)
        return stored

    async def update(self, entity: EntityT, session: AsyncClientSession | None = None) -> EntityT:
        """Store a changed entity and return it with its new revision; `updated_at` is now, `created_at` stays.

        Raises:
            EntityNotFoundError: There is no entity with this id (a ValueError, too).
            StaleRevisionError: Somebody else has written it since it was read.
            UnableToCreateEntityDueToDuplicateKeyError: A value of a unique index is taken.
            InvalidDocumentError: It does not fit its own model or the document's; nothing was sent.
        """
        change = self._change(entity, "update")
        stored = self._load(change.document, "update")
        with self._operations("update"):
            created_at = await self._store.update(change, session)
        return self._as_created(stored, change, created_at)

    async def upsert(self, entity: EntityT, session: AsyncClientSession | None = None) -> EntityT:
        """Insert an entity, or store it in place of the one with its id, and return it as it was stored.

        An entity that was read (it has a revision) is refused when somebody else has written it since, as in `update`;
        a new one takes the place of whatever is there.

        Raises:
            StaleRevisionError: Somebody else has written it since it was read.
            UnableToCreateEntityDueToDuplicateKeyError: A value of a unique index is taken.
            InvalidDocumentError: It does not fit its own model or the document's; nothing was sent.
        """
        change = self._change(entity, "upsert")
        if not any(change.expected.values()):
            change.expected = {}
        stored = self._load(change.document, "upsert")
        document = self._encode(self._mapping.encode, entity, "upsert")
        change.defaults = {key: value for key, value in document.items() if key not in change.document}
        change.defaults[self._mapping.keys["created_at"]] = change.values[self._mapping.keys["updated_at"]]
        with self._operations("upsert"):
            created_at = await self._store.upsert(change, session)
        return self._as_created(stored, change, created_at)

    async def delete_one_by_id(
        self,
        entity_id: UUID,
        raise_if_not_found: bool = False,  # noqa: FBT001, FBT002 - the agreed signature
        session: AsyncClientSession | None = None,
    ) -> bool:
        """Delete an entity, and return whether it was there.

        Raises:
            EntityNotFoundError: It was not there, and `raise_if_not_found` (a ValueError, too).
        """
        with self._operations("delete_one_by_id"):
            result = await self._collection.delete_one(self._query.by_id(entity_id), session=session)
        if raise_if_not_found and result.deleted_count == 0:
            raise not_found(entity_id, collection=self.collection_name, operation="delete_one_by_id")
        return result.deleted_count > 0

    # what the methods above are made of

    @cached_property
    def _store(self) -> Store:
        return Store(self._mapping, self._collection)

    def _encode[ResultT](self, encode: Callable[[EntityT], ResultT], entity: EntityT, operation: str) -> ResultT:
        try:
            return encode(entity)
        except (ValueError, TypeError, RecursionError) as error:
            # pydantic's error quotes the values
            raise self._invalid(error, operation) from (None if isinstance(error, ValidationError) else error)

    def _new(self, entity: EntityT, operation: str) -> dict[str, Any]:
        """The document of a new entity, its revision and times set."""
        mapping = self._mapping
        document = self._encode(mapping.encode, entity, operation)
        document.update(mapping.stamps(utc_now()))
        document[mapping.keys["created_at"]] = document[mapping.keys["updated_at"]]
        return document

    def _change(self, entity: EntityT, operation: str) -> Change:
        """The change that stores an entity whose document exists."""
        mapping, keys = self._mapping, self._mapping.keys
        values = self._encode(mapping.encode_owned, entity, operation)
        identity, created, revision = values.pop("_id"), keys["created_at"], keys.get("revision_id", "")
        is_compared = revision and "revision_id" in mapping.entity.model_fields
        change = Change(
            operation=operation,
            identity=identity,
            values=values,
            created_at={created: values.pop(created)} if created in values else {},
            expected={revision: values.get(revision)} if is_compared else {},
            scope=mapping.scope,
            absent=[key for _, key in mapping.owned if key not in values and key not in ("_id", created, revision)],
        )
        stamps = mapping.stamps(utc_now())
        values.update(stamps)
        change.revision = {revision: stamps[revision]} if revision else {}
        return change

    def _as_created(self, stored: EntityT, change: Change, created_at: dict[str, Any]) -> EntityT:
        """The stored entity, with the time of creation that the document really has."""
        if created_at.items() <= change.created_at.items():
            return stored
        return self._load({**change.document, **created_at}, change.operation)
