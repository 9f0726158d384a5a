"""A repository as a user writes it, for the type checkers: nothing here runs."""

from typing import Annotated, Any, assert_type
from uuid import UUID

from fastapi import Depends
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase

from fastapi_factory_utilities.core.plugins.odm_plugin import (
    AbstractRepository,
    AbstractRepositoryInMemory,
    BaseDocument,
    ODMPlugin,
    PersistedEntity,
    depends_odm_database,
)


class BookEntity(PersistedEntity):
    title: str


class BookDocument(BaseDocument):
    title: str


class BookRepository(AbstractRepository[BookDocument, BookEntity]): ...


class BookRepositoryInMemory(AbstractRepositoryInMemory[BookDocument, BookEntity]): ...


Database = Annotated[AsyncDatabase[dict[str, Any]], Depends(depends_odm_database)]


async def uses(database: Database, book: BookEntity, key: UUID) -> None:
    repository = BookRepository(database)
    assert_type(await repository.get_one_by_id(key), BookEntity | None)
    assert_type(await repository.get_one({"title": "Emma"}), BookEntity | None)
    assert_type(await repository.insert(book), BookEntity)
    assert_type(await repository.update(book), BookEntity)
    assert_type(await repository.upsert(book), BookEntity)
    assert_type(await repository.insert_many([book]), list[BookEntity])
    assert_type(await repository.find({"title": "Emma"}, skip=1, limit=2), list[BookEntity])
    assert_type(await repository.count(), int)
    assert_type(await repository.exists({"title": "Emma"}), bool)
    assert_type(book.id, UUID)
    await repository.delete_one_by_id(key, raise_if_not_found=True)
    async for streamed in repository.stream():
        assert_type(streamed, BookEntity)
    async with repository.get_session() as session:
        assert_type(session, AsyncClientSession)
        assert_type(await repository.get_one_by_id(key, session=session), BookEntity | None)


async def uses_in_memory(book: BookEntity, key: UUID) -> None:
    repository = BookRepositoryInMemory(entities=[book])
    assert_type(await repository.get_one_by_id(key), BookEntity | None)
    assert_type(await repository.find(), list[BookEntity])


async def refused(database: Database, key: UUID) -> None:
    """Each ignore is a promise: when the checker stops refusing the line, the unused ignore is the error."""
    repository = BookRepository(database)
    (await repository.get_one_by_id(key)).title  # type: ignore[union-attr] # noqa: B018 - it may be absent
    await repository.insert(PersistedEntity())  # type: ignore[arg-type] # not a book
    ODMPlugin(document_models=[BookEntity])  # type: ignore[list-item] # an entity is not a document
