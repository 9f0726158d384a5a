"""The half of a repository that reads."""

from collections.abc import AsyncGenerator, Iterable
from functools import cache, cached_property
from typing import Any, cast
from uuid import UUID

from pydantic import BaseModel
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.cursor import AsyncCursor
from pymongo.asynchronous.database import AsyncDatabase

from fastapi_factory_utilities.core.generics import type_arguments
from fastapi_factory_utilities.core.plugins.odm_plugin.client import operations_in
from fastapi_factory_utilities.core.plugins.odm_plugin.documents import BaseDocument
from fastapi_factory_utilities.core.plugins.odm_plugin.driver_errors import Operations, invalid_document
from fastapi_factory_utilities.core.plugins.odm_plugin.errors import RepositoryDefinitionError
from fastapi_factory_utilities.core.plugins.odm_plugin.mapping import EntityMapping, map_entity
from fastapi_factory_utilities.core.plugins.odm_plugin.pages import Page
from fastapi_factory_utilities.core.plugins.odm_plugin.queries import Filter, Query, Sort

__all__ = ["ReadRepository"]


class ReadRepository[DocumentT: BaseDocument, EntityT: BaseModel]:
    """Finds entities; see `AbstractRepository`, which is what a service derives from."""

    def __init__(self, database: AsyncDatabase[Any]) -> None:
        self._database = database
        self._begin()

    def _begin(self) -> None:
        """Tell a wrong definition at once, unless the parameters come after construction (PEP 484 aliases)."""
        if not getattr(type(self), "__parameters__", ()):
            _ = self._mapping

    @property
    def collection_name(self) -> str:
        """The collection's name: the document's `Settings.name`, by default the name of its class."""
        return self._mapping.collection_name

    def get_session(self) -> AsyncClientSession:
        """Start a session, to be passed as `session=`: `async with repository.get_session() as session:`.

        Only transactions need one; `transaction()` makes both.
        """
        return self._database.client.start_session()

    async def get_one_by_id(self, entity_id: UUID, session: AsyncClientSession | None = None) -> EntityT | None:
        """Return the entity with this id, or None."""
        with self._operations("get_one_by_id"):
            document = await self._collection.find_one(self._query.by_id(entity_id), session=session)
        return None if document is None else self._load(document, "get_one_by_id")

    async def get_one(
        self, *filters: Filter, sort: Sort | None = None, session: AsyncClientSession | None = None
    ) -> EntityT | None:
        """Return the first entity for which all the filters hold, or None."""
        query, order = self._query.filter(filters), self._query.sort(sort) or None
        with self._operations("get_one"):
            document = await self._collection.find_one(query, sort=order, session=session)
        return None if document is None else self._load(document, "get_one")

    async def find(
        self,
        *filters: Filter,
        skip: int = 0,
        limit: int | None = None,
        sort: Sort | None = None,
        session: AsyncClientSession | None = None,
    ) -> list[EntityT]:
        """Return the entities for which all the filters hold; without filters, all there are.

        Args:
            *filters: Beanie expressions (`Book.title == "x"`), dictionaries, or an id.
            skip: How many of them to leave out at the beginning.
            limit: How many to return at most.
            sort: A name, `-name`, `-Book.title`, or a list of these; without it the order is the server's choice.
            session: The transaction this is part of.
        """
        if limit == 0:
            return []
        cursor = self._cursor(filters, skip, limit, sort, session)
        with self._operations("find"):
            documents = await cursor.to_list()
        return self._load_all(documents)

    async def stream(
        self,
        *filters: Filter,
        skip: int = 0,
        limit: int | None = None,
        sort: Sort | None = None,
        session: AsyncClientSession | None = None,
        batch_size: int = 100,
    ) -> AsyncGenerator[EntityT, None]:
        """Yield what `find` returns, one by one, holding no more than a batch in memory.

        Each batch has a deadline of its own. Close the generator when you leave it early
        (`contextlib.aclosing(repository.stream())`), so that the server forgets its cursor at once.
        """
        if limit == 0:
            return
        cursor = self._cursor(filters, skip, limit, sort, session, batch_size)
        try:
            batch: list[dict[str, Any]] = []
            while not batch or len(batch) == batch_size:
                with self._operations("stream"):
                    batch = await cursor.to_list(batch_size)
                if not batch:
                    return
                for document in batch:
                    yield self._load(document, "stream")
        finally:
            await cursor.close()

    async def paginate(
        self,
        *filters: Filter,
        page: int = 1,
        size: int = 50,
        sort: Sort | None = None,
        session: AsyncClientSession | None = None,
    ) -> Page[EntityT]:
        """Return one page of what `find` returns, and how many there are: two round trips, one where that suffices.

        Entities that are equal in the order are told apart by their id, so that no page repeats another's.

        Raises:
            ValueError: `page` or `size` is less than 1.
        """
        if page < 1 or size < 1:
            raise ValueError("the first page is 1, and a page has at least one entity")
        order = self._query.sort(sort)
        order += [] if any(key == "_id" for key, _ in order) else [("_id", 1)]
        skip = (page - 1) * size
        items = await self.find(*filters, skip=skip, limit=size, sort=order, session=session)
        is_last = len(items) < size and (items or skip == 0)
        total = skip + len(items) if is_last else await self.count(*filters, session=session)
        return Page(items, total, page, size)

    async def count(self, *filters: Filter, session: AsyncClientSession | None = None) -> int:
        """Return for how many entities all the filters hold."""
        query = self._query.filter(filters)
        with self._operations("count"):
            return await self._collection.count_documents(query, session=session)

    async def exists(self, *filters: Filter, session: AsyncClientSession | None = None) -> bool:
        """Whether there is an entity for which all the filters hold: `await books.exists(book_id)`."""
        query = self._query.filter(filters)
        with self._operations("exists"):
            return await self._collection.find_one(query, {"_id": True}, session=session) is not None

    # what the methods above are made of

    @cached_property
    def _operations(self) -> Operations:
        return operations_in(getattr(self, "_database", None), self.collection_name)

    @cached_property
    def _mapping(self) -> EntityMapping[EntityT]:
        # An instance of AbstractRepository[Book, Entity] knows its parameters from the alias that made it (PEP 484).
        kind: Any = getattr(self, "__orig_class__", None)
        if kind is None:
            kind = type(self)
        return cast("EntityMapping[EntityT]", _mapping_of(kind))

    @cached_property
    def _query(self) -> Query:
        return _query_of(self._mapping)

    @cached_property
    def _collection(self) -> AsyncCollection[dict[str, Any]]:
        # Of this database, whichever Beanie has tied the class to.
        return self._mapping.collection_in(self._database)

    def _cursor(
        self,
        filters: Iterable[Filter],
        skip: int,
        limit: int | None,
        sort: Sort | None,
        session: AsyncClientSession | None,
        batch_size: int = 0,
    ) -> AsyncCursor[dict[str, Any]]:
        if skip < 0 or (limit is not None and limit < 0):
            raise ValueError("skip and limit are not negative")
        query, order = self._query.filter(filters), self._query.sort(sort) or None
        return self._collection.find(
            query, skip=skip, limit=limit or 0, sort=order, session=session, batch_size=batch_size
        )

    def _load(self, document: dict[str, Any], operation: str) -> EntityT:
        try:
            return self._mapping.decode(document)
        except ValueError as error:
            raise self._invalid(error, operation) from None  # pydantic's error quotes the values

    def _load_all(self, documents: Iterable[dict[str, Any]]) -> list[EntityT]:
        decode = self._mapping.decode
        try:
            return [decode(document) for document in documents]
        except ValueError as error:
            raise self._invalid(error, "find") from None  # pydantic's error quotes the values

    def _invalid(self, error: Exception, operation: str) -> Exception:
        model = self._mapping.entity.__name__
        return invalid_document(error, collection=self.collection_name, operation=operation, model=model)


@cache
def _mapping_of(kind: Any) -> EntityMapping[Any]:  # noqa: ANN401 - a class, or one with its parameters
    document, entity = type_arguments(kind, ReadRepository)
    for argument, base in ((document, BaseDocument), (entity, BaseModel)):
        if not (isinstance(argument, type) and issubclass(argument, base)):
            raise RepositoryDefinitionError(
                f"{getattr(kind, '__name__', kind)} does not say what it keeps: derive it from "
                f"AbstractRepository[YourDocument, YourEntity], a BaseDocument and a pydantic model "
                f"({argument!r} is no {base.__name__})"
            )
    return _map(document, entity)


@cache
def _map(document: type[BaseDocument], entity: type[BaseModel]) -> EntityMapping[Any]:
    return map_entity(document, entity)


@cache
def _query_of(mapping: EntityMapping[Any]) -> Query:
    return Query(mapping)
