"""An outbox with relays and a sender that writes down what it is given."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from fastapi_factory_utilities.core.plugins.messages import OutgoingMessage
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox import EmbeddingRepository, Outbox, OutboxConfig
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.embedding import EmbeddedMessages
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.lease import Lease
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.relay import Relay
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.store import OutboxStore
from tests.contracts.library import Book, BookDocument

type Client = AsyncMongoClient[dict[str, Any]]
type Database = AsyncDatabase[dict[str, Any]]

FAST = OutboxConfig(lease_seconds=1.0, poll_interval_seconds=0.05, retry_seconds=0.1, batch_size=50)


class EmbeddingBooks(EmbeddingRepository[BookDocument, Book]):
    pass


def connect(uri: str, *, timeout_ms: int = 3000) -> Client:
    return AsyncMongoClient(uri, timeoutMS=timeout_ms, tz_aware=True, uuidRepresentation="standard")


def event(message_id: str, *, routing_key: str = "added", **more: Any) -> OutgoingMessage:
    return OutgoingMessage(exchange="books", routing_key=routing_key, body=b"{}", message_id=message_id, **more)


async def eventually(holds: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        await asyncio.sleep(0.01)


async def eventually_so(holds: Callable[[], Awaitable[object]], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        await asyncio.sleep(0.01)


class Recorder:
    """A sender that has everything it was given in `sent`, unless `error` says that it is not to be had."""

    def __init__(self) -> None:
        self.messages: list[OutgoingMessage] = []
        self.error: Callable[[OutgoingMessage], Exception | None] = lambda _: None
        self.in_flight = 0
        self.most_in_flight = 0
        self.tries: list[str] = []
        self.confirms = asyncio.Event()
        self.confirms.set()

    @property
    def sent(self) -> list[str]:
        return [message.message_id for message in self.messages]

    async def send(self, message: OutgoingMessage) -> None:
        self.tries.append(message.message_id)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(0)
            if error := self.error(message):
                raise error
            await self.confirms.wait()
            self.messages.append(message)
        finally:
            self.in_flight -= 1


class Post:
    """An outbox, and relays to it."""

    def __init__(self, database: Database, config: OutboxConfig = FAST) -> None:
        self.database = database
        self.config = config
        self.wake = asyncio.Event()
        self.store = OutboxStore(database, config.collection, config.retention_seconds)
        self.outbox = Outbox(self.store, self.wake)
        self.messages = database[config.collection]

    def relay(self, sender: Any, *, embedded_in: tuple[str, ...] = ()) -> Relay:
        lease = Lease(self.database, f"{self.store.name}.relay", self.config.lasting_seconds)
        embedded = [EmbeddedMessages(self.database, name) for name in embedded_in]
        return Relay(self.store, lease, sender, config=self.config, wake=self.wake, embedded=embedded)

    @asynccontextmanager
    async def relaying(self, sender: Any, **more: Any) -> AsyncIterator[Relay]:
        relay = self.relay(sender, **more)
        task = asyncio.create_task(relay.run())
        try:
            yield relay
        finally:
            relay.stop()
            async with asyncio.timeout(10):
                await task

    async def publish(self, *ids: str, key: str | None = None, **more: Any) -> None:
        async with self.outbox.transaction() as tx:
            for message_id in ids:
                await tx.publish(event(message_id, **more), key=key)

    async def states(self) -> dict[str, str]:
        return {found["_id"]: found["state"] async for found in self.messages.find({}, {"state": 1})}
