"""What a repository does when the server dies, hangs, or the caller leaves."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import pymongo
import pytest
from pymongo import AsyncMongoClient

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.plugins.odm_plugin import DatabaseUnavailableError, OperationError
from fastapi_factory_utilities.core.plugins.odm_plugin.schema import ensure_schema
from fastapi_factory_utilities.testing import Direction, FaultProxy, Server
from tests.contracts.library import SHELF, Book, BookDocument, Books

DEADLINE_MS = 700
SLACK_SECONDS = 2.0


async def in_transaction(books: Books) -> None:
    async with books.transaction() as session:
        await books.insert(Book(title="Late"), session=session)


OPERATIONS: dict[str, Callable[[Books], Awaitable[object]]] = {
    "get": lambda books: books.get_one_by_id(uuid4()),
    "find": lambda books: books.find(),
    "insert": lambda books: books.insert(Book(title="Late")),
    "insert many": lambda books: books.insert_many([Book(title="Late"), Book(title="Later")]),
    "update": lambda books: books.update(SHELF[0]),
    "upsert": lambda books: books.upsert(SHELF[0]),
    "delete": lambda books: books.delete_one_by_id(uuid4()),
    "count": lambda books: books.count(),
    "exists": lambda books: books.exists(),
    "page": lambda books: books.paginate(),
    "stream": lambda books: anext(books.stream()),
    "transaction": in_transaction,
}


async def connect(uri: str, **options: Any) -> Books:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri, **{"timeoutMS": DEADLINE_MS, **options})
    return Books(client.get_default_database("outages"))


async def close(books: Books, line: FaultProxy | None = None) -> None:
    """Close the client with its connections made: the driver forgets to close a socket that is just being connected."""
    if line is not None:
        line.heal()
    await eventually(books.count)
    await books._database.client.close()


async def eventually(operation: Callable[[], Awaitable[object]], seconds: float = 10.0) -> object:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return await operation()
        except DatabaseUnavailableError:
            if time.monotonic() > deadline:
                raise


@pytest.fixture
async def line(mongo_uri: str, fault_proxy: Callable[[str], FaultProxy]) -> FaultProxy:
    return fault_proxy(mongo_uri)


@pytest.fixture
async def books(line: FaultProxy) -> AsyncIterator[Books]:
    books = await connect(line.uri)
    await ensure_schema(books._database, [BookDocument])
    yield books
    await close(books, line)


async def is_unavailable_in_time(operation: Awaitable[object]) -> None:
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailableError) as caught:
        await operation
    assert time.monotonic() - began < DEADLINE_MS / 1000 + SLACK_SECONDS
    assert isinstance(caught.value, BackendUnavailableError)
    assert isinstance(caught.value, OperationError)
    assert isinstance(caught.value.__cause__, pymongo.errors.PyMongoError)
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_hanging_line_is_an_error_within_the_deadline(books: Books, line: FaultProxy, name: str) -> None:
    await books.count()
    line.freeze()
    await is_unavailable_in_time(OPERATIONS[name](books))


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_server_that_is_away_is_an_error_within_the_deadline(books: Books, line: FaultProxy, name: str) -> None:
    await books.count()
    line.refuse()
    await is_unavailable_in_time(OPERATIONS[name](books))


async def test_a_server_that_was_never_there_is_an_error_within_the_deadline(line: FaultProxy) -> None:
    line.refuse()
    books = await connect(line.uri)
    await is_unavailable_in_time(books.count())
    await close(books, line)


async def test_an_outer_deadline_wins(books: Books, line: FaultProxy) -> None:
    await books.count()
    line.freeze()
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailableError), pymongo.timeout(0.2):
        await books.count()
    assert time.monotonic() - began < DEADLINE_MS / 1000


async def test_it_works_again_when_the_line_is_mended(books: Books, line: FaultProxy) -> None:
    await books.insert(Book(title="Before"))
    for break_line in (line.freeze, line.refuse):
        break_line()
        with pytest.raises(DatabaseUnavailableError):
            await books.count()
        line.heal()
        await eventually(lambda: books.count(BookDocument.title == "Before"))


async def test_a_stream_that_hangs_halfway_is_an_error_within_the_deadline(books: Books, line: FaultProxy) -> None:
    await books.insert_many(Book(title=f"book {number}") for number in range(10))
    async with aclosing(books.stream(batch_size=2)) as stream:
        await anext(stream)
        await anext(stream)
        line.freeze()
        await is_unavailable_in_time(anext(stream))


# --- the caller leaves ---


@pytest.mark.parametrize("name", OPERATIONS)
async def test_cancelled_operations_leave_nothing_behind(books: Books, line: FaultProxy, name: str) -> None:
    await books.count()
    connections, tasks = line.open_connections, len(asyncio.all_tasks())
    for _ in range(5):
        line.freeze()
        task = asyncio.ensure_future(OPERATIONS[name](books))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        line.heal()
        await eventually(books.count)
    deadline = time.monotonic() + 5
    # One more than before is the driver's second monitor, which connects when it likes.
    while line.open_connections > connections + 1 or len(asyncio.all_tasks()) > tasks + 1:
        assert time.monotonic() < deadline, (line.open_connections, connections, asyncio.all_tasks())
        await asyncio.sleep(0.01)


# The driver leaves it to the garbage collector to close the socket of a connection whose making was cancelled.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
async def test_many_cancelled_operations_do_not_exhaust_the_pool(line: FaultProxy) -> None:
    books = await connect(line.uri, maxPoolSize=3)
    await books.count()
    for _ in range(4):
        tasks = [asyncio.ensure_future(books.count()) for _ in range(6)]
        await asyncio.sleep(0.001)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert await asyncio.gather(*(books.count() for _ in range(12))) == [0] * 12
    await close(books)


async def test_a_stream_that_is_left_early_closes_its_cursor(books: Books) -> None:
    await books.insert_many(Book(title=f"book {number}") for number in range(10))
    before = await open_cursors(books)
    async with aclosing(books.stream(batch_size=2)) as stream:
        await anext(stream)
        assert await open_cursors(books) == before + 1
    assert await open_cursors(books) == before


async def open_cursors(books: Books) -> int:
    status = await books._database.client.admin.command("serverStatus")
    return int(status["metrics"]["cursor"]["open"]["total"])


# --- the server dies ---


async def test_a_server_killed_amid_operations_keeps_what_it_acknowledged(private_mongo_server: Server) -> None:
    books = await connect(private_mongo_server.uri, timeoutMS=3000)
    await ensure_schema(books._database, [BookDocument])
    acknowledged: list[Book] = []
    failed: list[BaseException] = []

    async def write(writer: int) -> None:
        number = 0
        while not failed:
            number += 1
            try:
                acknowledged.append(await books.insert(Book(title=f"{writer}-{number}")))
            except OperationError as error:
                failed.append(error)

    writers = asyncio.gather(*(write(writer) for writer in range(4)))
    while len(acknowledged) < 20:
        await asyncio.sleep(0.01)
    await asyncio.to_thread(private_mongo_server.kill)
    await writers
    assert all(isinstance(error, DatabaseUnavailableError) for error in failed)
    await asyncio.to_thread(private_mongo_server.start)
    await eventually(books.count)
    kept = {book.id: book for book in await books.find()}
    assert [book for book in acknowledged if kept.get(book.id) != book] == []
    await close(books)


@pytest.mark.parametrize("operation", ["insert", "update", "upsert"])
@pytest.mark.parametrize("is_killed", [False, True], ids=["the line broke", "the server was killed"])
async def test_a_write_whose_answer_was_lost_is_not_told_as_a_failure(
    private_mongo_server: Server, fault_proxy: Callable[[str], FaultProxy], operation: str, is_killed: bool
) -> None:
    """The driver tries again by itself; that its first try was stored is no duplicate and no stale revision."""
    line = fault_proxy(private_mongo_server.uri)
    books, observer = await connect(line.uri, timeoutMS=20000), await connect(private_mongo_server.uri, timeoutMS=20000)
    await ensure_schema(observer._database, [BookDocument])
    emma = await books.insert(Book(title="Emma"))
    given = Book(title="New") if operation == "insert" else emma.model_copy(update={"title": "New"})
    line.freeze(Direction.TO_CLIENT)
    writing = asyncio.ensure_future(getattr(books, operation)(given))
    while not await observer.exists(BookDocument.title == "New"):
        await asyncio.sleep(0.01)
    if is_killed:
        await asyncio.to_thread(private_mongo_server.kill)
        await asyncio.to_thread(private_mongo_server.start)
    line.drop()
    line.heal()
    written = await writing
    assert written == await observer.get_one_by_id(given.id)
    assert written.title == "New"
    await close(books)
    await close(observer)
