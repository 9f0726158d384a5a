"""The repository in memory: the contract, and what is its own."""

import re
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

import bson
import pymongo
import pytest
from pymongo import AsyncMongoClient

from fastapi_factory_utilities.core.plugins.odm_plugin import (
    AbstractRepositoryInMemory,
    BaseDocument,
    OperationError,
    PersistedEntity,
    RepositoryDefinitionError,
    UnableToCreateEntityDueToDuplicateKeyError,
)
from fastapi_factory_utilities.core.plugins.odm_plugin.memory.ordering import ordered
from tests.contracts.library import (
    SHELF,
    Book,
    BookDocument,
    Books,
    BooksInMemory,
    Everything,
    EverythingInMemory,
    EverythingRepository,
    everything,
)
from tests.contracts.repository import RepositoryContract


class TestInMemory(RepositoryContract):
    @pytest.fixture
    async def books(self) -> Books:
        return BooksInMemory()

    @pytest.fixture
    async def all_kinds(self) -> EverythingRepository:
        return EverythingInMemory()


# --- what only the one in memory does ---


async def test_it_begins_with_what_it_is_given_as_it_is_given() -> None:
    given = SHELF[0].model_copy(update={"revision_id": uuid4()})
    books = BooksInMemory([given])
    assert await books.find() == [given]
    assert (await books.update(given.model_copy(update={"pages": 1}))).pages == 1
    without = await BooksInMemory([SHELF[0]]).get_one_by_id(SHELF[0].id)
    assert without is not None
    assert without.revision_id is not None
    assert without.created_at == SHELF[0].created_at


def test_what_it_is_given_must_be_unique() -> None:
    with pytest.raises(UnableToCreateEntityDueToDuplicateKeyError) as caught:
        BooksInMemory([Book(title="Anna"), Book(title="Anna")])
    assert caught.value.fields["index"] == "title_1"
    with pytest.raises(UnableToCreateEntityDueToDuplicateKeyError):
        BooksInMemory([SHELF[0], SHELF[0].model_copy(update={"title": "Other"})])


async def test_two_of_them_share_nothing() -> None:
    first, second = BooksInMemory(), BooksInMemory()
    await first.insert(Book(title="Emma"))
    assert await second.count() == 0


async def test_it_has_the_methods_of_the_repository_it_stands_for() -> None:
    books = BooksInMemory(SHELF)
    assert isinstance(books, Books)
    assert await books.titles(BookDocument.pages > 200) == ["Anna"]


def test_it_needs_no_server_and_no_event_loop_to_be_made() -> None:
    assert BooksInMemory(SHELF).collection_name == "books"


@pytest.mark.parametrize(
    "query", [{"$expr": {}}, {"$where": "1"}, {"$text": {"$search": "x"}}, {"pages": {"$bitsAllSet": 1}}]
)
async def test_an_operator_that_only_a_server_knows_is_refused_by_its_name(query: dict[str, Any]) -> None:
    with pytest.raises(OperationError, match=r"does not know \$(expr|where|text|bitsAllSet): test this query against"):
        await BooksInMemory(SHELF).find(query)


@pytest.mark.parametrize(
    "query",
    [
        {"pages": {"$gt": 3, "weight": 1}},
        {"pages": {"$gt": re.compile("x")}},
        {"pages": {"$in": [{"$gt": 3}]}},
        {"pages": {"$mod": [1]}},
        {"title": {"$regex": 3}},
        {"title": {"$regex": "a", "$options": "q"}},
        {"subjects": {"$size": True}},
        {"subjects": {"$size": -1}},
        {"subjects": {"$size": float("inf")}},
        {"pages": {"$type": []}},
        {"$and": [3]},
    ],
)
async def test_a_filter_that_some_servers_let_pass_is_refused(query: dict[str, Any]) -> None:
    with pytest.raises(OperationError, match="BadValue"):
        await BooksInMemory(SHELF).find(query)


async def test_an_empty_store_refuses_a_malformed_filter_too() -> None:
    with pytest.raises(OperationError):
        await BooksInMemory().find({"pages": {"$greater": 3}})


async def test_regular_expressions_match_indexed_fields() -> None:
    books = BooksInMemory(SHELF)
    assert await books.titles({"title": re.compile("^an", re.IGNORECASE)}) == ["Anna"]
    assert await books.titles({"title": {"$in": [re.compile("^A"), "Bel"]}}) == ["Anna", "Bel"]
    assert await books.titles({"title": {"$not": {"$in": [re.compile("a$")]}}}, sort="title") == ["Bel", "émile"]


async def test_one_session_serves_several_repositories() -> None:
    books, others = BooksInMemory(SHELF), EverythingInMemory()
    with pytest.raises(RuntimeError):  # noqa: PT012 - the block is what is tested
        async with books.transaction() as session:
            await books.delete_one_by_id(SHELF[0].id, session=session)
            await others.insert(Everything(**everything()), session=session)
            raise RuntimeError
    assert (await books.count(), await others.count()) == (5, 0)
    async with books.transaction() as session:
        await books.delete_one_by_id(SHELF[0].id, session=session)
        await others.insert(Everything(**everything()), session=session)
    assert (await books.count(), await others.count()) == (4, 1)


async def test_a_transaction_that_somebody_outside_overtook_is_refused_as_a_whole() -> None:
    books = BooksInMemory(SHELF)
    anna = await books.get_one_by_id(SHELF[0].id)
    assert anna is not None
    with pytest.raises(OperationError) as caught:  # noqa: PT012 - the block is what is tested
        async with books.transaction() as session:
            await books.insert(Book(title="Emma"), session=session)
            await books.update(anna, session=session)
            await books.update(anna.model_copy(update={"pages": 1}))
    assert caught.value.fields["transient"] is True
    assert not await books.exists(BookDocument.title == "Emma")
    assert await books.exists(BookDocument.pages == 1)


async def test_a_transaction_whose_unique_value_was_taken_meanwhile_is_refused() -> None:
    books = BooksInMemory()
    with pytest.raises(UnableToCreateEntityDueToDuplicateKeyError):  # noqa: PT012 - the block is what is tested
        async with books.transaction() as session:
            await books.insert(Book(title="Emma"), session=session)
            await books.insert(Book(title="Emma", pages=1))
    assert [book.pages for book in await books.find()] == [1]


async def test_a_transaction_does_not_see_what_is_written_outside() -> None:
    books = BooksInMemory(SHELF)
    async with books.transaction() as session:
        assert await books.count(session=session) == 5
        await books.insert(Book(title="Emma"))
        assert await books.count(session=session) == 5
    assert await books.count() == 6


async def test_a_transaction_that_was_given_up_lets_others_write() -> None:
    books = BooksInMemory(SHELF)
    anna = await books.get_one_by_id(SHELF[0].id)
    assert anna is not None
    async with books.get_session() as session:
        await session.start_transaction()
        await books.update(anna, session=session)
    async with books.transaction() as session:
        await books.update(anna, session=session)


async def test_sessions_are_not_to_be_mixed_up() -> None:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(connect=False)
    books = BooksInMemory(SHELF)
    with pytest.raises(RepositoryDefinitionError, match="this repository is in memory"):
        await books.find(session=client.start_session())
    session = books.get_session()
    await session.end_session()
    with pytest.raises(OperationError):
        await books.find(session=session)


@pytest.mark.parametrize(
    ("options", "is_taken"),
    [
        ({}, {"same": True, "missing": True, "case": False, "accent": False}),
        ({"sparse": True}, {"same": True, "missing": False, "case": False, "accent": False}),
        (
            {"collation": {"locale": "en", "strength": 2}},
            {"same": True, "missing": True, "case": True, "accent": False},
        ),
        ({"collation": {"locale": "en", "strength": 1}}, {"same": True, "missing": True, "case": True, "accent": True}),
    ],
)
async def test_options_of_unique_indexes_are_obeyed(options: dict[str, Any], is_taken: dict[str, bool]) -> None:
    class Document(BaseDocument):
        code: str | None = None

        class Settings:
            keep_nulls = False
            indexes: ClassVar[list[Any]] = [pymongo.IndexModel("code", unique=True, **options)]

    class Entity(PersistedEntity):
        code: str | None = None

    for name, first, second in (
        ("same", "cafe", "cafe"),
        ("missing", None, None),
        ("case", "cafe", "CAFE"),
        ("accent", "cafe", "café"),
    ):
        repository = AbstractRepositoryInMemory[Document, Entity]([Entity(code=first)])
        try:
            await repository.insert(Entity(code=second))
        except UnableToCreateEntityDueToDuplicateKeyError:
            assert is_taken[name], name
        else:
            assert not is_taken[name], name


async def test_values_of_arrays_are_unique_one_by_one() -> None:
    class Document(BaseDocument):
        codes: list[int]

        class Settings:
            indexes: ClassVar[list[Any]] = [pymongo.IndexModel("codes", unique=True)]

    class Entity(PersistedEntity):
        codes: list[int]

    repository = AbstractRepositoryInMemory[Document, Entity]([Entity(codes=[1, 2, 2])])
    await repository.insert(Entity(codes=[3]))
    with pytest.raises(UnableToCreateEntityDueToDuplicateKeyError):
        await repository.insert(Entity(codes=[4, 1]))


IN_ORDER: list[Any] = [
    bson.MinKey(),
    None,
    float("nan"),
    float("-inf"),
    -1,
    bson.Decimal128("0.5"),
    1,
    2**60,
    "",
    "A",
    "a",
    "é",
    {},
    {"a": 1},
    {"b": 0},
    [],
    [1],
    [1, 2],
    [2],
    b"",
    b"b",
    b"aa",
    bson.ObjectId("0" * 24),
    False,
    True,
    datetime(2000, 1, 1, tzinfo=UTC),
    datetime(2001, 1, 1, tzinfo=UTC),
    bson.Timestamp(1, 1),
    bson.Regex("a"),
    bson.MaxKey(),
]


def test_values_are_ordered_as_mongodb_orders_them() -> None:
    keys = [ordered(value) for value in IN_ORDER]
    assert sorted(keys) == keys
    assert len(set(keys)) == len(keys)


def test_numbers_are_equal_whatever_their_type() -> None:
    assert ordered(1) == ordered(1.0) == ordered(bson.Int64(1)) == ordered(bson.Decimal128("1.00"))
    assert ordered(True) != ordered(1)
    assert ordered(UUID(int=1)) == ordered(bson.Binary.from_uuid(UUID(int=1)))
