"""One round trip for each operation, and no session that nobody asked for."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from fastapi_factory_utilities.core.plugins.odm_plugin import EntityNotFoundError, StaleRevisionError
from fastapi_factory_utilities.core.plugins.odm_plugin.schema import ensure_schema
from tests.contracts.library import Book, BookDocument, Books


class Listener(CommandListener):
    """The names of the commands that were sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.sent.append(event.command_name)

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def books(mongo_uri: str, listener: Listener) -> AsyncIterator[Books]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongo_uri, event_listeners=[listener])
    await ensure_schema(client.get_default_database(), [BookDocument])
    yield Books(client.get_default_database())
    await client.close()


OPERATIONS: dict[str, tuple[Callable[[Books, Book], Awaitable[object]], list[str]]] = {
    "get": (lambda books, book: books.get_one_by_id(book.id), ["find"]),
    "get one": (lambda books, book: books.get_one(BookDocument.title == book.title), ["find"]),
    "find": (lambda books, _: books.find(limit=50, sort="title"), ["find"]),
    "count": (lambda books, _: books.count(), ["aggregate"]),
    "exists": (lambda books, book: books.exists(book.id), ["find"]),
    "insert": (lambda books, _: books.insert(Book(title="New")), ["insert"]),
    "insert many": (lambda books, _: books.insert_many([Book(title="A"), Book(title="B")]), ["insert"]),
    "update": (lambda books, book: books.update(book), ["update"]),
    "upsert of a new one": (lambda books, _: books.upsert(Book(title="New")), ["findAndModify"]),
    "upsert": (lambda books, book: books.upsert(book), ["findAndModify"]),
    "delete": (lambda books, book: books.delete_one_by_id(book.id), ["delete"]),
    "the only page": (lambda books, _: books.paginate(), ["find"]),
    "a full page": (lambda books, _: books.paginate(size=1), ["find", "aggregate"]),
}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_an_operation_is_one_round_trip(books: Books, listener: Listener, name: str) -> None:
    operation, commands = OPERATIONS[name]
    book = await books.insert(Book(title="Emma"))
    listener.sent.clear()
    await operation(books, book)
    assert listener.sent == commands


async def test_only_a_failed_update_asks_why(books: Books, listener: Listener) -> None:
    book = await books.insert(Book(title="Emma"))
    await books.update(book)
    listener.sent.clear()
    with pytest.raises(StaleRevisionError):
        await books.update(book)
    assert listener.sent == ["update", "find"]
    listener.sent.clear()
    with pytest.raises(EntityNotFoundError):
        await books.update(Book(title="Nobody"))
    assert listener.sent == ["update", "find"]


async def test_making_a_repository_sends_nothing(books: Books, listener: Listener) -> None:
    listener.sent.clear()
    for _ in range(3):
        Books(books._database)
    assert listener.sent == []
