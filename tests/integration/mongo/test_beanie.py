"""What Beanie writes we read, and what we write Beanie reads."""

from typing import Any

import bson
import pytest
from beanie.exceptions import RevisionIdWasChanged

from fastapi_factory_utilities.core.plugins.odm_plugin import StaleRevisionError
from fastapi_factory_utilities.core.plugins.odm_plugin.binding import bind
from tests.contracts.library import (
    SHELF,
    Book,
    BookDocument,
    Books,
    Everything,
    EverythingDocument,
    EverythingRepository,
    everything,
)
from tests.integration.mongo.conftest import Client, Database

TIMES_OF_ITS_OWN = {"revision_id", "created_at", "updated_at"}


@pytest.fixture
def bound(database: Database) -> Database:
    """The documents are Beanie's in this database."""
    bind([BookDocument, EverythingDocument], database)
    return database


async def raw(database: Database, name: str, entity_id: Any) -> dict[str, Any]:
    found = await database[name].find_one({"_id": bson.Binary.from_uuid(entity_id)})
    assert found is not None
    return {key: value for key, value in found.items() if key not in TIMES_OF_ITS_OWN}


async def test_what_beanie_inserts_we_read(bound: Database) -> None:
    document = await EverythingDocument(**everything()).insert()
    entity = await EverythingRepository(bound).get_one_by_id(document.id)
    again = await EverythingDocument.get(document.id)
    assert entity is not None
    assert again is not None
    same = set(Everything.model_fields) - {"moment", "moments", "created_at", "updated_at", "free"}
    assert {name: getattr(entity, name) for name in same} == {name: getattr(again, name) for name in same}
    assert entity.free["id"] == everything()["unique"]


async def test_what_we_insert_beanie_reads(bound: Database) -> None:
    entity = await EverythingRepository(bound).insert(Everything(**everything()))
    document = await EverythingDocument.get(entity.id)
    assert document is not None
    same = set(Everything.model_fields) - {"moment", "moments", "free"}
    assert {name: getattr(document, name) for name in same} == {name: getattr(entity, name) for name in same}


async def test_both_write_the_same_document_to_the_byte(bound: Database) -> None:
    entity = await EverythingRepository(bound).insert(Everything(**everything()))
    document = await EverythingDocument(**everything()).insert()
    ours = await raw(bound, "everything", entity.id)
    theirs = await raw(bound, "everything", document.id)
    del ours["_id"], theirs["_id"]
    assert set(ours) == set(theirs)
    assert {key: bson.encode({"": ours[key]}) for key in ours} == {key: bson.encode({"": theirs[key]}) for key in ours}


async def test_what_beanie_saves_we_update_and_the_other_way_round(bound: Database) -> None:
    books = Books(bound)
    inserted = await books.insert(SHELF[0])
    document = await BookDocument.get(inserted.id)
    assert document is not None
    document.pages = 7
    await document.save()
    with pytest.raises(StaleRevisionError):
        await books.update(inserted)
    read = await books.get_one_by_id(inserted.id)
    assert read is not None
    assert read.pages == 7
    await books.update(read)
    document.pages = 8
    with pytest.raises(RevisionIdWasChanged):
        await document.save()


async def test_beanies_own_queries_find_what_we_insert(bound: Database) -> None:
    await Books(bound).insert_many(SHELF)
    found = await BookDocument.find(BookDocument.pages == 200).sort("title").to_list()
    assert [document.title for document in found] == ["Clara", "Dora"]


async def test_a_document_from_before_a_field_existed_is_read_with_its_default(bound: Database) -> None:
    inserted = await Books(bound).insert(Book(title="Emma", pages=5))
    await bound["books"].update_one({}, {"$unset": {"pages": "", "revision_id": ""}, "$set": {"unknown": 1}})
    read = await Books(bound).get_one_by_id(inserted.id)
    assert read is not None
    assert (read.pages, read.revision_id) == (0, None)
    updated = await Books(bound).update(read)
    assert updated.revision_id is not None
    assert (await raw(bound, "books", inserted.id))["unknown"] == 1, "an update leaves alone what it does not know"


async def test_a_repository_uses_its_own_database_whichever_beanie_is_bound_to(
    client: Client, database: Database
) -> None:
    other = client[f"{database.name}_2"]
    bind([BookDocument], other)
    first, second = Books(database), Books(other)
    inserted = await first.insert(Book(title="Emma"))
    assert await second.count() == 0
    assert await BookDocument.count() == 0
    assert await first.get_one(BookDocument.title == "Emma") == inserted
    bind([BookDocument], database)
    assert await second.count() == 0
    assert await BookDocument.count() == 1


async def test_beanie_is_bound_to_the_database_that_came_last(client: Client) -> None:
    for name in ("one", "two"):
        bind([BookDocument], client[name])
        assert BookDocument.get_pymongo_collection().database.name == name
