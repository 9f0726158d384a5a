"""What is saved and what is published: both or neither."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import AsyncMongoClient, ReadPreference, WriteConcern

from fastapi_factory_utilities.core.plugins.messages import OutgoingMessage
from fastapi_factory_utilities.core.plugins.odm_plugin import (
    OperationError,
    UnableToCreateEntityDueToDuplicateKeyError,
)
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox import OutboxTransaction, TransactionsNotSupportedError
from fastapi_factory_utilities.testing.servers.mongo import SecantusServer
from tests.contracts.library import Book, Books
from tests.integration.outbox.post import Database, Post, Recorder, connect, event, eventually


async def test_entity_and_message_are_saved_together(post: Post, database: Database) -> None:
    books = Books(database)
    async with post.outbox.transaction() as tx:
        await books.insert(Book(title="Emma"), session=tx.session)
        await tx.publish(event("emma-added"))
        assert await books.count() == 0, "nobody else sees it yet"
    assert await books.count() == 1
    assert await post.states() == {"emma-added": "pending"}


async def test_a_block_that_raises_saves_neither(post: Post, database: Database) -> None:
    books = Books(database)

    async def work() -> None:
        async with post.outbox.transaction() as tx:
            await books.insert(Book(title="Emma"), session=tx.session)
            await tx.publish(event("emma-added"))
            raise LookupError

    with pytest.raises(LookupError):
        await work()
    assert await books.count() == 0
    assert await post.states() == {}


async def test_a_message_that_cannot_be_saved_takes_its_entity_with_it(post: Post, database: Database) -> None:
    await post.publish("taken")
    books = Books(database)

    async def work() -> None:
        async with post.outbox.transaction() as tx:
            await books.insert(Book(title="Emma"), session=tx.session)
            await tx.publish(event("taken"))

    with pytest.raises(UnableToCreateEntityDueToDuplicateKeyError):
        await work()
    assert await books.count() == 0


async def test_messages_can_be_added_to_a_repositorys_own_transaction(post: Post, database: Database) -> None:
    books = Books(database)
    async with books.transaction() as session:
        await books.insert(Book(title="Emma"), session=session)
        await post.outbox.add(event("one"), event("two"), session=session, key="emma")
        await post.outbox.add(session=session)
    assert await post.states() == {"one": "pending", "two": "pending"}
    async with database.client.start_session() as session:
        with pytest.raises(RuntimeError, match="in no transaction"):
            await post.outbox.add(event("three"), session=session)


async def test_nothing_is_published_after_the_transaction(post: Post) -> None:
    async with post.outbox.transaction() as tx:
        pass
    with pytest.raises(RuntimeError, match="is over"):
        await tx.publish(event("late"))
    assert await post.states() == {}


async def test_a_message_arrives_as_it_was_published(post: Post) -> None:
    message = OutgoingMessage(
        exchange="books",
        routing_key="book.added",
        body=b"\x00{}\xff",
        content_type="application/x-thing",
        correlation_id="request 1",
        type="BookAdded",
        headers={"a.b": 1, "$c": "text", "d": None, "e": 1.5, "f": True, "at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC)},
        timestamp=datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC),
    )
    sender = Recorder()
    async with post.relaying(sender):
        async with post.outbox.transaction() as tx:
            await tx.publish(message)
        await eventually(lambda: sender.messages)
    assert sender.messages == [message]


async def test_a_commit_wakes_the_relay_of_its_process(post: Post) -> None:
    patient = Post(post.database, post.config.model_copy(update={"poll_interval_seconds": 60.0}))
    sender = Recorder()
    async with patient.relaying(sender):
        await patient.publish("first")
        await eventually(lambda: sender.sent == ["first"])
        await patient.publish("second")
        await eventually(lambda: sender.sent == ["first", "second"])


async def test_of_two_transactions_with_one_key_the_second_fails_and_can_be_tried_again(post: Post) -> None:
    async with post.outbox.transaction() as first:
        await post.outbox.add(event("first"), session=first.session, key="emma")
        with pytest.raises(OperationError) as caught:
            await post.publish("second", key="emma")
    assert caught.value.fields["transient"]
    await post.publish("second", key="emma")
    assert [found["_id"] async for found in post.messages.find().sort("order", 1)] == ["first", "second"]


async def test_run_tries_again_what_another_transaction_was_in_the_way_of(post: Post) -> None:
    async def work(tx: OutboxTransaction, number: int) -> int:
        await tx.publish(event(f"event {number}"), key="emma")
        return number

    done = await asyncio.gather(*(post.outbox.run(lambda tx, n=n: work(tx, n)) for n in range(6)))  # type: ignore[misc]  # a default binds it
    assert done == list(range(6))
    assert len(await post.states()) == 6
    with pytest.raises(LookupError):
        await post.outbox.run(_raise)


async def _raise(tx: OutboxTransaction) -> None:
    raise LookupError


class Standalone(SecantusServer):
    def command(self) -> list[str]:
        return [*super().command(), "--standalone"]


async def test_a_server_without_transactions_is_one_error_that_names_the_other_mode() -> None:
    with Standalone() as server:
        client: AsyncMongoClient[dict[str, Any]]
        async with connect(server.uri) as client:
            post = Post(client["standalone"])
            with pytest.raises(TransactionsNotSupportedError, match=r"standalone.*replica set.*EmbeddingRepository"):
                await post.publish("never")
            assert await post.states() == {}


async def test_a_uri_that_reads_from_secondaries_changes_nothing(mongo_uri: str) -> None:
    async with connect(f"{mongo_uri}&readPreference=secondaryPreferred&w=1") as client:
        post, sender = Post(client.get_default_database()), Recorder()
        await post.store.ensure_schema()
        async with post.relaying(sender):
            await post.publish("first", key="emma")
            await eventually(lambda: sender.sent == ["first"])
        for ours in (post.store._messages, post.store._keys, post.relay(sender)._lease._collection):
            assert ours.read_preference == ReadPreference.PRIMARY
            assert ours.write_concern == WriteConcern("majority")
