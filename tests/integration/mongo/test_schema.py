"""Indexes and collections that documents ask for."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import pymongo
import pytest
from beanie import Indexed, TimeSeriesConfig, View

from fastapi_factory_utilities.core.plugins.odm_plugin import BaseDocument, OperationError
from fastapi_factory_utilities.core.plugins.odm_plugin.binding import bind
from fastapi_factory_utilities.core.plugins.odm_plugin.schema import ensure_schema
from tests.contracts.library import SHELF, BookDocument, Books
from tests.integration.mongo.conftest import Database


async def test_indexes_are_made_and_making_them_again_changes_nothing(database: Database) -> None:
    await ensure_schema(database, [BookDocument])
    made = await database["books"].index_information()
    assert set(made) == {"_id_", "title_1", "author.name_1", "one_book_a_place"}
    assert made["title_1"]["unique"] is True
    await ensure_schema(database, [BookDocument])
    assert await database["books"].index_information() == made


async def test_indexes_of_other_people_are_left_alone(database: Database) -> None:
    await database["books"].create_index("pages", name="theirs")
    await ensure_schema(database, [BookDocument])
    assert "theirs" in await database["books"].index_information()


async def test_an_index_that_is_there_with_other_options_is_one_clear_error(database: Database) -> None:
    await database["books"].create_index("title")
    with pytest.raises(OperationError, match=r"the collection 'books': an index is there already .*title_1"):
        await ensure_schema(database, [BookDocument])


async def test_values_that_are_not_unique_are_one_clear_error_without_them(database: Database) -> None:
    await database["books"].insert_many([{"title": "Anna"}, {"title": "Anna"}])
    with pytest.raises(OperationError, match="documents have the same value: remove them") as caught:
        await ensure_schema(database, [BookDocument])
    assert "Anna" not in str(caught.value)


class Parent(BaseDocument):
    code: Annotated[str, Indexed(unique=True)]

    class Settings(BaseDocument.Settings):
        name = "family"
        indexes: ClassVar[list[Any]] = ["code"]


class Child(Parent):
    age: Annotated[int, Indexed(index_type=pymongo.DESCENDING)] = 0

    class Settings(BaseDocument.Settings):
        name = "family"
        merge_indexes = True
        indexes: ClassVar[list[Any]] = [pymongo.IndexModel([("age", 1), ("code", 1)], name="both")]


async def test_indexes_of_parents_are_merged_when_asked(database: Database) -> None:
    await ensure_schema(database, [Child])
    made = await database["family"].index_information()
    assert set(made) == {"_id_", "code_1", "age_-1", "both"}
    assert "unique" not in made["code_1"], "an entry of Settings.indexes is in place of Indexed()"


class Recent(View):
    title: str

    class Settings:
        name = "recent"
        source = BookDocument
        pipeline: ClassVar[list[Any]] = [{"$match": {"pages": {"$gt": 100}}}, {"$project": {"title": 1, "_id": 0}}]


async def test_a_view_is_made(database: Database) -> None:
    bind([BookDocument, Recent], database)
    await Books(database).insert_many(SHELF)
    for _ in range(2):
        await ensure_schema(database, [BookDocument, Recent])
    found = await Recent.find_all().to_list()
    assert sorted(item.title for item in found) == ["Anna", "Clara", "Dora"]


class Reading(BaseDocument):
    at: datetime
    value: float

    class Settings(BaseDocument.Settings):
        name = "readings"
        timeseries = TimeSeriesConfig(time_field="at", expire_after_seconds=60)


async def test_a_time_series_is_made(database: Database) -> None:
    bind([Reading], database)
    for _ in range(2):
        await ensure_schema(database, [Reading])
    (info,) = [item async for item in await database.list_collections(filter={"name": "readings"})]
    assert info["options"]["expireAfterSeconds"] == 60
    assert info["options"]["timeseries"]["timeField"] == "at"
    await Reading(at=datetime.now(UTC), value=1.0).insert()
