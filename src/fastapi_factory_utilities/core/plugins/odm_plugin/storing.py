"""How changes reach a collection, and why they do not."""

from typing import Any
from uuid import UUID

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.collection import ReturnDocument
from pymongo.errors import DuplicateKeyError

from fastapi_factory_utilities.core.plugins.odm_plugin.changes import Change
from fastapi_factory_utilities.core.plugins.odm_plugin.errors import EntityNotFoundError, StaleRevisionError
from fastapi_factory_utilities.core.plugins.odm_plugin.mapping import EntityMapping

__all__ = ["Store", "not_found"]

_TRIES = 3


class Store:
    """Makes changes in one round trip; asks why only when one of them found nothing to change.

    Each method returns when the document was created, `{key: time}`, or `{}` when that is what the change says already.

    The driver tries a write again whose answer was lost. A revision is a new UUID for each change, so a document that
    has it was changed by the first try: that is told as what it is, a success.

    Args:
        mapping: What the collection's documents are like.
        collection: Where they are.
    """

    def __init__(self, mapping: EntityMapping[Any], collection: AsyncCollection[dict[str, Any]]) -> None:
        self._mapping = mapping
        self._collection = collection

    async def update(self, change: Change, session: AsyncClientSession | None) -> dict[str, Any]:
        """Change a document that exists.

        Raises:
            EntityNotFoundError: It does not.
            StaleRevisionError: Somebody else has written it.
        """
        # The time of creation is asked for, not set, so that what is returned is true without reading it back.
        as_known = {**change.selection, **change.created_at}
        if (await self._collection.update_one(as_known, change.update, session=session)).matched_count:
            return {}
        current = await self._current(change, session)
        if current is None:
            raise not_found(_uuid(change), collection=self._mapping.collection_name, operation=change.operation)
        created_at = self._created_at(current)
        if change.is_in(current):
            return created_at
        if not change.expects(current):
            raise self._stale(change)
        if not created_at:  # a document from before there were times
            change.values |= change.created_at
        if (await self._collection.update_one(change.selection, change.update, session=session)).matched_count:
            return created_at
        raise self._stale(change)

    async def upsert(self, change: Change, session: AsyncClientSession | None) -> dict[str, Any]:
        """Change a document, or make it.

        Raises:
            StaleRevisionError: Somebody else has written it.
            DuplicateKeyError: Another document has a unique value.
        """
        tries = _TRIES
        while True:
            tries -= 1
            try:
                found = await self._collection.find_one_and_update(
                    change.selection,
                    change.update_or_insert,
                    {self._mapping.keys["created_at"]: True, "_id": False},
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                    session=session,
                )
            except DuplicateKeyError:
                # Another document has a unique value, or the filter found nothing although this one is there: it has
                # another revision, or was inserted a moment ago, and then the next try finds it.
                if not tries or (session is not None and session.in_transaction):
                    raise
                current = await self._current(change, session)
                if current is None:
                    raise
                if change.is_in(current):
                    return self._created_at(current)
                if not change.expects(current):
                    raise self._stale(change) from None
                if change.expected:
                    raise
            else:
                return found or {}

    async def has(self, document: dict[str, Any], session: AsyncClientSession | None) -> bool:
        """Whether this very document is there, although inserting it failed: it was inserted by the first try."""
        revision = self._mapping.keys.get("revision_id")
        if revision is None or (session is not None and session.in_transaction):
            return False
        own = {"_id": document["_id"], revision: document[revision]}
        return await self._collection.find_one(own, {"_id": True}, session=session) is not None

    async def _current(self, change: Change, session: AsyncClientSession | None) -> dict[str, Any] | None:
        """Read the document's revision and time of creation."""
        read = {self._mapping.keys["created_at"]: True, "_id": False, **dict.fromkeys(change.revision, True)}
        return await self._collection.find_one({"_id": change.identity, **change.scope}, read, session=session)

    def _created_at(self, current: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in current.items() if key == self._mapping.keys["created_at"]}

    def _stale(self, change: Change) -> StaleRevisionError:
        return StaleRevisionError(
            f"{change.operation} in the collection {self._mapping.collection_name!r}: somebody else has written "
            f"{_uuid(change)} since it was read; read it again and repeat the change",
            collection=self._mapping.collection_name,
            operation=change.operation,
            entity_id=_uuid(change),
        )


def not_found(entity_id: UUID, *, collection: str, operation: str) -> EntityNotFoundError:
    """Return the error of a document that is not there."""
    return EntityNotFoundError(
        f"{operation} in the collection {collection!r}: there is no {entity_id}",
        collection=collection,
        operation=operation,
        entity_id=entity_id,
    )


def _uuid(change: Change) -> UUID:
    identity = change.identity  # a Binary or, where the driver reads them, a UUID
    return identity if isinstance(identity, UUID) else identity.as_uuid()
