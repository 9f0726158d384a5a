"""The embedded mode: messages that lie in the document of the entity, for servers without transactions.

MongoDB writes one document wholly or not at all, on any server. So the messages of a change go into the changed
document, and the relay takes them out of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from typing import Any
from uuid import UUID

from fastapi_factory_utilities.core.plugins.odm_plugin import required  # noqa: F401 - tells how to install what follows

# isort: split
from pydantic import BaseModel
from pymongo import IndexModel
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase

from fastapi_factory_utilities.core.plugins.messages import OutgoingMessage
from fastapi_factory_utilities.core.plugins.odm_plugin.changes import Change
from fastapi_factory_utilities.core.plugins.odm_plugin.client import telemetry_of
from fastapi_factory_utilities.core.plugins.odm_plugin.documents import BaseDocument
from fastapi_factory_utilities.core.plugins.odm_plugin.driver_errors import Operation
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.collections import collection
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.records import encode
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.store import OutboxStore
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.tracing import with_trace
from fastapi_factory_utilities.core.plugins.odm_plugin.repositories import AbstractRepository

__all__ = ["EmbeddedMessages", "EmbeddingRepository"]

_FIELD = "_outbox"
_carried: ContextVar[list[dict[str, Any]]] = ContextVar("carried")


class EmbeddedMessages:
    """The messages in the documents of one collection.

    Args:
        database: Where the collection is.
        name: Its name.
    """

    def __init__(self, database: AsyncDatabase[Any], name: str) -> None:
        self._documents = collection(database, name)

    async def ensure_schema(self) -> None:
        """Make the index that finds them: it has an entry for each message that waits, and none otherwise."""
        with Operation(self._documents.name, "create_indexes"):
            await self._documents.create_indexes([IndexModel([(f"{_FIELD}._id", 1)], sparse=True)])

    async def collect(self, store: OutboxStore, *, limit: int, only: Any = None) -> None:  # noqa: ANN401 - an id
        """Take messages out of their documents into the outbox.

        They are in both for a moment; should the process die then, they are taken out again, and the outbox knows them.

        Args:
            store: The outbox.
            limit: Documents at most.
            only: The one document to look at, by its id.
        """
        waiting: dict[str, Any] = {f"{_FIELD}._id": {"$exists": True}}
        if only is not None:
            waiting["_id"] = only
        with Operation(self._documents.name, "collect"):
            found = await self._documents.find(waiting, {_FIELD: 1}).limit(limit).to_list()
            for document in found:
                messages = document[_FIELD]
                await store.adopt(messages)
                await self._documents.update_one({"_id": document["_id"]}, _without(messages))


class EmbeddingRepository[DocumentT: BaseDocument, EntityT: BaseModel](AbstractRepository[DocumentT, EntityT]):
    """A repository that saves an entity and its messages as one thing, also where there are no transactions.

    ::

        class Books(EmbeddingRepository[BookDocument, Book]): ...

        await books.insert(book, events=[OutgoingMessage(exchange="books", routing_key="book.added", body=...)])

    The messages of one entity are sent in the order of its changes. Name the document class in
    `OutboxPlugin(embedded_in=[BookDocument])`, so that the relay looks there. To publish that an entity is gone, update
    it with the message first; then delete it.

    Args:
        database: Where the collection is.
        outbox: The name of the outbox's collection, where the section `outbox` says another.
    """

    def __init__(self, database: AsyncDatabase[Any], *, outbox: str = "outbox") -> None:
        super().__init__(database)
        self._outbox = outbox

    async def insert(
        self, entity: EntityT, session: AsyncClientSession | None = None, *, events: Iterable[OutgoingMessage] = ()
    ) -> EntityT:
        """See `AbstractRepository.insert`; `events` are published should it succeed."""
        with self._carrying(entity, events):
            return await super().insert(entity, session)

    async def update(
        self, entity: EntityT, session: AsyncClientSession | None = None, *, events: Iterable[OutgoingMessage] = ()
    ) -> EntityT:
        """See `AbstractRepository.update`; `events` are published should it succeed."""
        with self._carrying(entity, events):
            return await super().update(entity, session)

    async def upsert(
        self, entity: EntityT, session: AsyncClientSession | None = None, *, events: Iterable[OutgoingMessage] = ()
    ) -> EntityT:
        """See `AbstractRepository.upsert`; `events` are published should it succeed."""
        with self._carrying(entity, events):
            return await super().upsert(entity, session)

    async def delete_one_by_id(
        self,
        entity_id: UUID,
        raise_if_not_found: bool = False,  # noqa: FBT001, FBT002 - the agreed signature
        session: AsyncClientSession | None = None,
    ) -> bool:
        """See `AbstractRepository.delete_one_by_id`; messages that still lie in the document are taken out before."""
        query = self._query.by_id(entity_id)
        empty = {**query, f"{_FIELD}._id": {"$exists": False}}
        while True:
            with self._operations("delete_one_by_id"):
                if (await self._collection.delete_one(empty, session=session)).deleted_count:
                    return True
                found = await self._collection.find_one(query, {"_id": True}, session=session)
            if found is None:
                return await super().delete_one_by_id(entity_id, raise_if_not_found, session)
            messages = EmbeddedMessages(self._database, self.collection_name)
            await messages.collect(OutboxStore(self._database, self._outbox, 0), limit=1, only=query["_id"])

    @contextmanager
    def _carrying(self, entity: BaseModel, events: Iterable[OutgoingMessage]) -> Iterator[None]:
        """Let `_new` and `_change` know of the messages, without a word in the signatures between."""
        key = str(getattr(entity, "id"))  # noqa: B009 - the mapping has checked that there is one
        telemetry = telemetry_of(self._database.client)
        token = _carried.set([encode(with_trace(message, telemetry), key=key) for message in events])
        try:
            yield
        finally:
            _carried.reset(token)

    def _new(self, entity: EntityT, operation: str) -> dict[str, Any]:
        document = super()._new(entity, operation)
        if carried := _carried.get([]):
            document[_FIELD] = carried
        return document

    def _change(self, entity: EntityT, operation: str) -> Change:
        change = super()._change(entity, operation)
        if carried := _carried.get([]):
            known = {each.name: getattr(change, each.name) for each in fields(change)}
            return _ChangeWithMessages(**known, messages=carried)
        return change

    def _load(self, document: dict[str, Any], operation: str) -> EntityT:
        document.pop(_FIELD, None)
        return super()._load(document, operation)

    def _load_all(self, documents: Iterable[dict[str, Any]]) -> list[EntityT]:
        documents = list(documents)
        for document in documents:
            document.pop(_FIELD, None)
        return super()._load_all(documents)


@dataclass(slots=True)
class _ChangeWithMessages(Change):
    """A change that adds messages to those that lie in the document already."""

    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def update(self) -> dict[str, Any]:
        return {**Change.update.__get__(self), "$push": {_FIELD: {"$each": self.messages}}}


def _without(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The update that takes messages out, and the field with the last of them."""
    taken = [message["_id"] for message in messages]
    left = {"$filter": {"input": f"${_FIELD}", "cond": {"$not": [{"$in": ["$$this._id", taken]}]}}}
    return [
        {"$set": {_FIELD: left}},
        {"$set": {_FIELD: {"$cond": [{"$eq": [f"${_FIELD}", []]}, "$$REMOVE", f"${_FIELD}"]}}},
    ]
