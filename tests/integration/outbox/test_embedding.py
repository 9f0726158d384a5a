"""The embedded mode: messages that lie in the entity's own document."""

import pytest

from fastapi_factory_utilities.core.plugins.odm_plugin import StaleRevisionError
from tests.contracts.library import Book
from tests.integration.outbox.post import (
    Database,
    EmbeddingBooks,
    Post,
    Recorder,
    event,
    eventually,
    eventually_so,
)


async def _arrive(post: Post, *ids: str) -> None:
    sender = Recorder()
    async with post.relaying(sender, embedded_in=("books",)):
        await eventually(lambda: len(sender.sent) >= len(ids))
        await eventually_so(lambda: _all_sent(post))
    assert sender.sent == list(ids)
    assert await post.database["books"].find_one({"_outbox": {"$exists": True}}) is None, "the document is as it was"


async def _all_sent(post: Post) -> bool:
    return set((await post.states()).values()) == {"sent"}


async def test_every_kind_of_write_publishes_in_the_order_of_the_changes(post: Post, database: Database) -> None:
    books = EmbeddingBooks(database)
    book = await books.insert(Book(title="Emma"), events=[event("1"), event("2")])
    book = await books.update(book.model_copy(update={"pages": 1}), events=[event("3")])
    book = await books.upsert(book.model_copy(update={"pages": 2}), events=[event("4")])
    await books.update(book.model_copy(update={"pages": 3}))
    await _arrive(post, "1", "2", "3", "4")


async def test_what_is_returned_and_read_knows_nothing_of_messages(post: Post, database: Database) -> None:
    books = EmbeddingBooks(database)
    book = await books.insert(Book(title="Emma"), events=[event("1")])
    assert await books.get_one_by_id(book.id) == book
    assert await books.find() == [book]
    assert [found async for found in books.stream()] == [book]
    assert (await books.update(book, events=[event("2")])).id == book.id
    assert (await books.upsert(Book(title="Anna"), events=[event("3")])).title == "Anna"


async def test_a_write_that_fails_publishes_nothing(post: Post, database: Database) -> None:
    books = EmbeddingBooks(database)
    book = await books.insert(Book(title="Emma"))
    await books.update(book)
    with pytest.raises(StaleRevisionError):
        await books.update(book, events=[event("never")])
    await books.insert(Book(title="Anna"), events=[event("1")])
    await _arrive(post, "1")


async def test_what_still_lies_in_a_document_is_delivered_although_the_entity_is_deleted(
    post: Post, database: Database
) -> None:
    books = EmbeddingBooks(database)
    book = await books.insert(Book(title="Emma"), events=[event("added")])
    await books.update(book, events=[event("deleted")])
    assert await books.delete_one_by_id(book.id)
    assert not await books.delete_one_by_id(book.id)
    assert await books.count() == 0
    await _arrive(post, "added", "deleted")


async def test_messages_that_were_taken_out_and_not_removed_are_sent_once(post: Post, database: Database) -> None:
    books = EmbeddingBooks(database)
    book = await books.insert(Book(title="Emma"), events=[event("1")])
    document = await database["books"].find_one({})
    assert document is not None
    await _arrive(post, "1")
    # As if the process had died before it removed them.
    await database["books"].update_one({"_id": document["_id"]}, {"$set": {"_outbox": document["_outbox"]}})
    await books.update(book, events=[event("2")])
    await _arrive(post, "2")
