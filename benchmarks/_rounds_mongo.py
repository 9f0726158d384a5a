"""One process of `bench_mongo`: connects, measures every subject in turn, and prints the samples as JSON."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from beanie import Document, Indexed, init_beanie
from pydantic import Field
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from benchmarks._harness import Report
from fastapi_factory_utilities.core.plugins.odm_plugin import AbstractRepository, BaseDocument, PersistedEntity

__all__ = ["BASELINES", "GOALS", "TITLES"]

FOUND = 50
TITLES = {
    "get": "get by id",
    "find": f"find {FOUND}",
    "insert": "insert",
    "update": "update, revision checked",
}
BASELINES = {"get": "pymongo", "find": "pymongo", "insert": "pymongo", "update": "Beanie: save"}
GOALS = {
    "get": {"ours": 1.05},
    "find": {"ours": 1.17},
    "insert": {"ours": 1.17},
    "update": {"ours": 0.55},
}

type Operation = Callable[[], Awaitable[object]]
type Database = AsyncDatabase[dict[str, Any]]


class BeanieBook(Document):
    """What somebody without us writes."""

    id: UUID = Field(default_factory=uuid4)  # type: ignore[assignment]  # Beanie's is an ObjectId that may be missing
    created_at: datetime
    updated_at: datetime
    title: str
    author: str
    isbn: str
    pages: int
    price: float
    available: bool
    subjects: list[str]

    class Settings:
        name = "books"
        use_revision = True


class Book(PersistedEntity):
    title: str
    author: str
    isbn: str
    pages: int
    price: float
    available: bool
    subjects: list[str]


class BookDocument(BaseDocument):
    title: Annotated[str, Indexed()]
    author: str
    isbn: str
    pages: int
    price: float
    available: bool
    subjects: list[str]

    class Settings(BaseDocument.Settings):
        name = "books"


class Books(AbstractRepository[BookDocument, Book]):
    pass


def values() -> dict[str, Any]:
    """What a book has beside id, revision and times."""
    return {
        "title": "Middlemarch",
        "author": "George Eliot",
        "isbn": "9780141439549",
        "pages": 880,
        "price": 9.99,
        "available": True,
        "subjects": ["marriage", "reform", "medicine"],
    }


def raw_document() -> dict[str, Any]:
    """A book as somebody writes it who uses the driver alone."""
    now = datetime.now(UTC)
    return {"_id": uuid4(), "revision_id": uuid4(), "created_at": now, "updated_at": now, **values()}


async def subjects(database: Database, without_deadline: Database) -> dict[str, dict[str, Operation]]:
    """Make every subject of every report; all of them talk to the same collection over connections of one kind."""
    collection, bare = database["books"], without_deadline["books"]
    repository = Books(database)
    kept = [await repository.insert(Book(**values())) for _ in range(FOUND + 10)]
    key = kept[7].id
    entity, document, raw = kept[0], await BeanieBook.get(kept[1].id), await collection.find_one({"_id": kept[2].id})
    assert document is not None
    assert raw is not None
    revision = raw["revision_id"]

    async def update_ours() -> None:
        nonlocal entity
        entity = await repository.update(entity)

    async def update_raw() -> None:
        nonlocal revision
        changes = {"revision_id": uuid4(), "updated_at": datetime.now(UTC), **values()}
        result = await collection.update_one({"_id": kept[2].id, "revision_id": revision}, {"$set": changes})
        assert result.matched_count == 1
        revision = changes["revision_id"]

    # Inserting comes last: with some servers the rest gets slower the more there is, and waiting costs CPU, too.
    return {
        "get": {
            "pymongo": lambda: collection.find_one({"_id": key}),
            "ours": lambda: repository.get_one_by_id(key),
            "ours, repository made for each": lambda: Books(database).get_one_by_id(key),
            "Beanie": lambda: BeanieBook.get(key),
            "pymongo without a deadline": lambda: bare.find_one({"_id": key}),
        },
        "find": {
            "pymongo": lambda: collection.find({}, limit=FOUND).to_list(),
            "ours": lambda: repository.find(limit=FOUND),
            "Beanie": lambda: BeanieBook.find(limit=FOUND).to_list(),
        },
        "update": {
            "Beanie: save": document.save,
            "ours": update_ours,
            "pymongo: update_one": update_raw,
        },
        "insert": {
            "pymongo": lambda: collection.insert_one(raw_document()),
            "ours": lambda: repository.insert(Book(**values())),
            "Beanie": lambda: BeanieBook(
                created_at=datetime.now(UTC), updated_at=datetime.now(UTC), **values()
            ).insert(),
        },
    }


async def connect(uri: str, **options: Any) -> AsyncMongoClient[dict[str, Any]]:  # noqa: ANN401 - the driver's options
    """Connect as `ODMPlugin` does: what comes back are Python's UUIDs and aware times, for every subject alike."""
    return AsyncMongoClient(uri, tz_aware=True, uuidRepresentation="standard", **options)


def main(uri: str, rounds: int, operations: int) -> None:
    """Measure `rounds` rounds of about `operations` operations each."""
    loop = _new_loop()
    client = loop.run_until_complete(connect(uri, timeoutMS=3000))
    bare = loop.run_until_complete(connect(uri))

    async def prepare() -> dict[str, dict[str, Operation]]:
        await client.drop_database("bench")
        await init_beanie(client["bench"], document_models=[BeanieBook])
        return await subjects(client["bench"], bare["bench"])

    def measured(operation: Operation, times: int) -> Callable[[], float]:
        async def repeat() -> float:
            await operation()
            began = time.process_time()
            for _ in range(times):
                await operation()
            return (time.process_time() - began) / times * 1e6

        return lambda: loop.run_until_complete(repeat())

    samples = {}
    for name, operations_of in loop.run_until_complete(prepare()).items():
        report = Report(TITLES[name], unit="us CPU", baseline=BASELINES[name])
        times = 2 if name == "find" else 5
        slices = max(1, operations // 5)
        report.collect(
            {subject: measured(do, times) for subject, do in operations_of.items()}, rounds=rounds, slices=slices
        )
        samples[name] = report.samples
    loop.run_until_complete(client.close())
    loop.run_until_complete(bare.close())
    loop.close()
    print(json.dumps(samples))


def _new_loop() -> asyncio.AbstractEventLoop:
    """The loop that services run on, where it is installed."""
    with suppress(ImportError):
        import uvloop  # noqa: PLC0415 - not on every platform

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
