"""`AbstractRepositoryInMemory`: the same repository, without a server.

    class InMemoryBooks(AbstractRepositoryInMemory[BookDocument, BookEntity], Books):
        pass

    service = BookService(InMemoryBooks([BookEntity(title="Emma")]))

It is a repository in every respect: it has the methods of `Books`, enforces the document's unique indexes, refuses
stale revisions, and answers every query as MongoDB does or refuses it. Both kinds pass one suite of tests.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Any, cast

from fastapi_factory_utilities.core.plugins.odm_plugin import required  # noqa: F401 - tells how to install what follows

# isort: split
from pydantic import BaseModel
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection

from fastapi_factory_utilities.core.plugins.odm_plugin.documents import BaseDocument, utc_now
from fastapi_factory_utilities.core.plugins.odm_plugin.driver_errors import Operation
from fastapi_factory_utilities.core.plugins.odm_plugin.indexes import indexes_of
from fastapi_factory_utilities.core.plugins.odm_plugin.memory import MemoryCollection, MemorySession, unique_indexes
from fastapi_factory_utilities.core.plugins.odm_plugin.repositories import AbstractRepository

__all__ = ["AbstractRepositoryInMemory"]


class AbstractRepositoryInMemory[DocumentT: BaseDocument, EntityT: BaseModel](AbstractRepository[DocumentT, EntityT]):
    """Keeps entities in memory, for tests.

    Args:
        entities: What is there from the beginning, stored as it is given; a revision is added where there is none.

    Raises:
        UnableToCreateEntityDueToDuplicateKeyError: Two of them have the same id or the same unique value.
    """

    def __init__(self, entities: Iterable[EntityT] | None = None) -> None:
        self._given = tuple(entities or ())
        self._begin()

    def get_session(self) -> AsyncClientSession:
        """Start a session, for transactions of this and of other in-memory repositories."""
        return MemorySession()

    def _begin(self) -> None:
        super()._begin()
        if "_mapping" in vars(self):
            _ = self._collection

    @cached_property
    def _collection(self) -> AsyncCollection[dict[str, Any]]:
        mapping = self._mapping
        indexes = unique_indexes(indexes_of(mapping.document))
        collection = MemoryCollection(self.collection_name, indexes, mapping.codec)
        with Operation(self.collection_name, "seed"):
            for entity in self._given:
                document = self._encode(mapping.encode, entity, "seed")
                missing = mapping.stamps(utc_now())
                collection.begin_with(
                    document | {key: value for key, value in missing.items() if document.get(key) is None}
                )
        # It has the methods of the driver's collection that a repository calls.
        return cast("AsyncCollection[dict[str, Any]]", collection)
