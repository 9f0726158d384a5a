"""The inbox in MongoDB, alone and as a part of the effect's own transaction."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.plugins import PluginAbstract, PluginStartError
from fastapi_factory_utilities.core.plugins.inbox import Claim
from fastapi_factory_utilities.core.plugins.odm_plugin import DatabaseUnavailableError, ODMPlugin, OperationError
from fastapi_factory_utilities.core.plugins.odm_plugin.inbox import InboxPlugin, MongoInbox, depends_inbox
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox import TransactionsNotSupportedError
from fastapi_factory_utilities.core.plugins.odm_plugin.schema import ensure_schema
from fastapi_factory_utilities.testing import FaultProxy
from fastapi_factory_utilities.testing.conformance import PluginConformance
from fastapi_factory_utilities.testing.conformance.plugin import PLANTED
from fastapi_factory_utilities.testing.conformance.stage import build
from fastapi_factory_utilities.testing.running import lifespan
from tests.contracts.inbox import InboxContract
from tests.contracts.library import Book, BookDocument, Books
from tests.integration.outbox.post import Database, connect
from tests.integration.outbox.test_outbox import Standalone


class TestContract(InboxContract):
    _database: Database

    @pytest.fixture(autouse=True)
    def _use(self, database: Database) -> None:
        self._database = database

    def make(self, *, lease_seconds: float = 30.0, retention_seconds: float = 30.0) -> MongoInbox:
        return MongoInbox(self._database, lease_seconds=lease_seconds, retention_seconds=retention_seconds)


class TestConformance(PluginConformance):
    def make_plugin(self) -> InboxPlugin:
        return InboxPlugin()

    def make_bad_configs(self) -> list[Mapping[str, Any]]:
        return [{"collection": f"$ {PLANTED}"}, {"lease_seconds": 0}, {"retention_seconds": PLANTED}]

    def build(self, uri: str, *more: PluginAbstract[Any], log_level: str = "info") -> Any:
        """With the plugin that it needs before it."""
        return build([ODMPlugin(), self.make_plugin(), *more], {"odm": {"uri": uri}, "inbox": {}}, log_level=log_level)

    @pytest.fixture
    def uri(self, mongo_uri: str) -> str:
        return mongo_uri

    async def check_running(self, application: Any) -> None:
        inbox = depends_inbox.of(application.get_asgi_app())
        assert await inbox.claim(str(id(inbox))) in (Claim.NEW, Claim.BUSY)


async def test_the_plugin_says_what_it_needs() -> None:
    with pytest.raises(PluginStartError, match="list ODMPlugin in the builder's plugins before InboxPlugin"):
        async with lifespan(build([InboxPlugin()], {"inbox": {}})):
            pass


async def test_what_was_processed_is_forgotten_after_its_retention(database: Database) -> None:
    inbox = MongoInbox(database, retention_seconds=3600)
    await inbox.claim("a")
    await inbox.done("a")
    found = await database["inbox"].find_one({"_id": "a"})
    assert found is not None
    assert timedelta(minutes=59) < found["expires_at"].replace(tzinfo=UTC) - datetime.now(UTC) <= timedelta(hours=1)
    indexes = await database["inbox"].index_information()
    assert indexes["expires_at_1"]["expireAfterSeconds"] == 0, "the server removes it then"


async def test_a_claim_that_is_repeated_lasts_as_long_as_a_new_one(database: Database) -> None:
    inbox = MongoInbox(database)
    until = []
    for _ in range(2):
        assert await inbox.claim("a") is Claim.NEW
        inbox._claims.end("a")  # as if we had not heard of it
        found = await database["inbox"].find_one({"_id": "a"})
        assert found is not None
        until.append(found["until"])
        await asyncio.sleep(0.01)
    assert until[1] > until[0]


@pytest.fixture
def line(mongo_uri: str, fault_proxy: Callable[[str], FaultProxy]) -> Iterator[FaultProxy]:
    line = fault_proxy(mongo_uri)
    yield line
    line.heal()


async def test_a_server_that_is_away_is_an_error_of_ours_within_the_deadline(line: FaultProxy) -> None:
    async with connect(line.uri, timeout_ms=500) as client:
        inbox = MongoInbox(client["outages"])
        assert await inbox.claim("a") is Claim.NEW
        line.freeze()
        for ask in (inbox.claim("b"), inbox.done("a"), inbox.release("a"), inbox.once("c").__aenter__()):
            async with asyncio.timeout(3):
                with pytest.raises(DatabaseUnavailableError) as caught:
                    await ask
            assert isinstance(caught.value, BackendUnavailableError)
        line.heal()
        assert await inbox.claim("b") is Claim.NEW, "nobody is at it"


async def test_the_index_is_made_again_when_a_server_came_back_empty(line: FaultProxy, database: Database) -> None:
    async with connect(line.uri, timeout_ms=2000) as client:
        inbox = MongoInbox(client[database.name])
        await inbox.claim("a")
        line.refuse()
        with pytest.raises(DatabaseUnavailableError):
            await inbox.claim("b")
        await database["inbox"].drop()
        line.heal()
        await inbox.claim("c")
        assert "expires_at_1" in await database["inbox"].index_information()


# --- once ---


@pytest.fixture
async def books(database: Database) -> Books:
    await ensure_schema(database, [BookDocument])
    return Books(database)


async def test_effect_and_key_are_one_thing(database: Database, books: Books) -> None:
    inbox = MongoInbox(database)
    for delivery in range(3):
        async with inbox.once("message") as once:
            assert once.is_first is (delivery == 0)
            if once.is_first:
                await books.insert(Book(title="Emma"), session=once.session)
    assert await books.titles() == ["Emma"]
    assert await inbox.claim("message") is Claim.DONE


async def test_an_effect_that_fails_leaves_the_message_new(database: Database, books: Books) -> None:
    inbox = MongoInbox(database)

    async def fail() -> None:
        async with inbox.once("message") as once:
            await books.insert(Book(title="Emma"), session=once.session)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await books.titles() == []
    async with inbox.once("message") as once:
        assert once.is_first


async def test_a_claimed_message_is_processed_by_whoever_is_first(database: Database) -> None:
    inbox = MongoInbox(database)
    await inbox.claim("message")
    async with inbox.once("message") as once:
        assert once.is_first
    assert await MongoInbox(database).claim("message") is Claim.DONE


async def test_two_consumers_of_one_message_have_one_effect(database: Database, books: Books) -> None:
    async def consume(number: int) -> bool:
        async with MongoInbox(database).once("message") as once:
            if once.is_first:
                await books.insert(Book(title=f"by {number}"), session=once.session)
                await asyncio.sleep(0.1)
            return once.is_first

    assert sorted(await asyncio.gather(*(consume(number) for number in range(4)))) == [False, False, False, True]
    assert await books.count() == 1


async def test_a_message_that_another_consumer_is_at_for_long_is_a_transient_error(database: Database) -> None:
    async with MongoInbox(database).once("message"):
        with pytest.raises(OperationError) as caught:
            await MongoInbox(database).once("message", tries_for_seconds=0.1).__aenter__()
    assert caught.value.fields["transient"]


async def test_without_transactions_it_says_what_to_do_instead() -> None:
    with Standalone() as server:
        async with connect(server.uri) as client:
            inbox = MongoInbox(client["standalone"])
            with pytest.raises(TransactionsNotSupportedError, match="claim the message"):
                await inbox.once("message").__aenter__()
            assert await inbox.claim("message") is Claim.NEW
