"""The part of the driver's collection that repositories use, in memory."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bson.codec_options import CodecOptions
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError
from pymongo.results import DeleteResult, UpdateResult

from fastapi_factory_utilities.core.plugins.odm_plugin.errors import RepositoryDefinitionError
from fastapi_factory_utilities.core.plugins.odm_plugin.memory.matching import predicate_of
from fastapi_factory_utilities.core.plugins.odm_plugin.memory.session import MemorySession
from fastapi_factory_utilities.core.plugins.odm_plugin.memory.sorting import in_order
from fastapi_factory_utilities.core.plugins.odm_plugin.memory.state import State, Stored
from fastapi_factory_utilities.core.plugins.odm_plugin.memory.uniqueness import UniqueIndex

__all__ = ["MemoryCollection", "MemoryCursor"]

type Query = Mapping[str, Any]
type Sort = Sequence[tuple[str, int]] | None


class MemoryCursor:
    """Documents that are found when the first is asked for, and copied one by one."""

    def __init__(self, find: Callable[[], list[Stored]]) -> None:
        self._find: Callable[[], list[Stored]] | None = find
        self._rest: list[Stored] = []

    async def __anext__(self) -> dict[str, Any]:
        """Return the next document."""
        await self._begin()
        if not self._rest:
            raise StopAsyncIteration
        return self._rest.pop().copy()

    async def to_list(self, length: int | None = None) -> list[dict[str, Any]]:
        """Return all that are left, or so many of them."""
        await self._begin()
        kept = 0 if length is None else max(0, len(self._rest) - length)
        taken, self._rest = self._rest[kept:], self._rest[:kept]
        return [stored.copy() for stored in reversed(taken)]

    async def close(self) -> None:
        """Forget what is left."""
        self._find, self._rest = None, []

    async def _begin(self) -> None:
        if self._find is not None:
            await _turn()
            self._rest, self._find = self._find()[::-1], None


class MemoryCollection:
    """Documents in memory, with the methods and errors of the driver's collection.

    Args:
        name: The collection's name.
        indexes: Its unique indexes, the one of its ids among them.
        codec: How documents are encoded and read.
    """

    def __init__(self, name: str, indexes: Sequence[UniqueIndex], codec: CodecOptions[dict[str, Any]]) -> None:
        self._state = State(name, indexes, codec)

    def begin_with(self, document: Mapping[str, Any]) -> None:
        """Keep a document from the beginning.

        Raises:
            DuplicateKeyError: It takes the id, or a unique value, of another one.
        """
        self._insert(document, self._state)

    async def find_one(
        self,
        query: Query,
        projection: Mapping[str, bool] | None = None,
        *,
        sort: Sort = None,
        session: AsyncClientSession | None = None,
    ) -> dict[str, Any] | None:
        """Return the first document that matches."""
        await _turn()
        found = self._found(query, sort, self._view(session))
        return _projected(found[0].copy(), projection) if found else None

    def find(
        self,
        query: Query,
        *,
        skip: int = 0,
        limit: int = 0,
        sort: Sort = None,
        session: AsyncClientSession | None = None,
        batch_size: int = 0,  # noqa: ARG002 - there are no batches
    ) -> MemoryCursor:
        """Return a cursor over the documents that match."""
        stop = skip + limit if limit else None
        return MemoryCursor(lambda: self._found(query, sort, self._view(session))[skip:stop])

    async def count_documents(self, query: Query, session: AsyncClientSession | None = None) -> int:
        """Return how many documents match."""
        await _turn()
        return len(self._found(query, None, self._view(session)))

    async def insert_one(self, document: Mapping[str, Any], session: AsyncClientSession | None = None) -> None:
        """Insert a document."""
        await _turn()
        self._insert(document, self._view(session))

    async def insert_many(
        self, documents: Iterable[Mapping[str, Any]], session: AsyncClientSession | None = None
    ) -> None:
        """Insert documents in order, as far as it goes.

        Raises:
            BulkWriteError: One takes a unique value that another document has; those before it are inserted.
        """
        await _turn()
        state = self._view(session)
        prepared = [state.make(document) for document in documents]
        for position, stored in enumerate(prepared):
            try:
                self._insert_stored(stored, state)
            except DuplicateKeyError as error:
                raise BulkWriteError({"writeErrors": [{"index": position, **(error.details or {})}]}) from error

    async def update_one(
        self, query: Query, update: Mapping[str, Any], session: AsyncClientSession | None = None
    ) -> UpdateResult:
        """Change the first document that matches."""
        found = await self.find_one_and_update(query, update, {"_id": True}, session=session)
        return UpdateResult({"n": int(found is not None)}, acknowledged=True)

    async def find_one_and_update(
        self,
        query: Query,
        update: Mapping[str, Any],
        projection: Mapping[str, bool] | None = None,
        upsert: bool = False,  # noqa: FBT001, FBT002 - as the driver has it
        return_document: bool = False,  # noqa: FBT001, FBT002 - as the driver has it
        session: AsyncClientSession | None = None,
    ) -> dict[str, Any] | None:
        """Change the first document that matches, or insert one; return it as it was, or as it is."""
        await _turn()
        state = self._view(session)
        found = self._found(query, None, state)
        if not found and not upsert:
            return None
        before = found[0].copy() if found else None
        if before is None:
            # A server begins with what the filter says the document is.
            made = {key: value for key, value in query.items() if not key.startswith("$")}
            after = _updated({**made, **update.get("$setOnInsert", {})}, update)
            self._insert(after, state)
        else:
            after = _updated(before.copy(), update)
            state.put(state.make(after))
        chosen = after if return_document else before
        return None if chosen is None else _projected(state.as_read(chosen), projection)

    async def delete_one(self, query: Query, session: AsyncClientSession | None = None) -> DeleteResult:
        """Delete the first document that matches."""
        await _turn()
        state = self._view(session)
        found = self._found(query, None, state)
        if found:
            state.remove(found[0].key)
        return DeleteResult({"n": len(found[:1])}, acknowledged=True)

    def _view(self, session: AsyncClientSession | None) -> State:
        if session is None:
            return self._state
        if not isinstance(session, MemorySession):
            raise RepositoryDefinitionError(
                f"{type(session).__name__} is a session of a server, and this repository is in memory: pass one that "
                f"an in-memory repository's get_session() or transaction() gave"
            )
        return session.workspace(self._state) or self._state

    def _found(self, query: Query, sort: Sort, state: State) -> list[Stored]:
        predicate = predicate_of(state.as_read({"query": query})["query"])
        found = [stored for stored in state.documents.values() if predicate(stored.content)]
        return in_order(found, [stored.content for stored in found], sort) if sort else found

    def _insert(self, document: Mapping[str, Any], state: State) -> None:
        self._insert_stored(state.make(document), state)

    def _insert_stored(self, stored: Stored, state: State) -> None:
        if stored.key in state.documents:
            raise state.duplicate(state.indexes[0])
        state.put(stored)


async def _turn() -> None:
    """Give others their turn, as waiting for a server does: a race in a service is a race in its tests."""
    await asyncio.sleep(0)


def _updated(document: dict[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    document |= update.get("$set", {})
    for key in update.get("$unset", ()):
        document.pop(key, None)
    return document


def _projected(document: dict[str, Any], projection: Mapping[str, bool] | None) -> dict[str, Any]:
    """Leave the keys that are asked for; the id is one of them unless it is declined."""
    if projection is None:
        return document
    wanted = {"_id": True, **projection}
    return {key: value for key, value in document.items() if wanted.get(key)}
