"""`MongoInbox`: remembers in MongoDB which messages were processed."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi_factory_utilities.core.plugins.odm_plugin import required  # noqa: F401 - tells how to install what follows

# isort: split
from pymongo import IndexModel, ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, PyMongoError

from fastapi_factory_utilities.core.plugins.inbox import Claim
from fastapi_factory_utilities.core.plugins.inbox_claims import Claims
from fastapi_factory_utilities.core.plugins.odm_plugin.client import operations_in
from fastapi_factory_utilities.core.plugins.odm_plugin.errors import (
    DatabaseUnavailableError,
    UnableToCreateEntityDueToDuplicateKeyError,
)
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.collections import TRANSACTION
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.collections import collection as our_collection
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.support import require_transactions

__all__ = ["MongoInbox", "Once"]

_TRIES = 5
_FREE = "_free"
_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Once:
    """A message inside the transaction that its effect belongs to.

    Attributes:
        is_first: Whether it has not been processed yet; if it has, there is nothing to do.
        session: To be passed to every repository method that is a part of the effect.
    """

    is_first: bool
    session: AsyncClientSession


class MongoInbox:
    """Remembers messages by a key, in a collection of MongoDB; an `Inbox`.

    All times are the server's. Where the effect is in the same database, `once` makes effect and key one thing::

        async with inbox.once(message_id) as once:
            if once.is_first:
                await books.insert(book, session=once.session)

    Args:
        database: Where the collection is.
        collection: Its name; consumers that share it have keys of their own.
        lease_seconds: How long a claim lasts: longer than processing a message ever takes. A consumer that dies keeps
            its message from others for so long.
        retention_seconds: How long a processed message is remembered: longer than it may be delivered again.
    """

    def __init__(
        self,
        database: AsyncDatabase[Any],
        *,
        collection: str = "inbox",
        lease_seconds: float = 60.0,
        retention_seconds: float = 7 * 86_400.0,
    ) -> None:
        self._database = database
        self._keys = our_collection(database, collection)
        self._operations = operations_in(database, collection)
        self._lease_ms = int(lease_seconds * 1000)
        self._retention_ms = int(retention_seconds * 1000)
        self._claims = Claims(lease_seconds)
        self._is_ready = False
        self._has_transactions = False

    async def ready(self) -> None:
        """Make the index that removes what is too old; done by itself before the first claim, and after an outage.

        Raises:
            OperationError: The server refused or did not answer.
        """
        with self._operation("create_indexes"):
            await self._keys.create_indexes([IndexModel([("expires_at", 1)], expireAfterSeconds=0)])
        self._is_ready = True

    async def claim(self, key: str) -> Claim:
        """Claim a message; see `Inbox.claim`.

        Raises:
            DatabaseUnavailableError: MongoDB does not answer.
        """
        if not self._claims.begin(key):
            return Claim.BUSY
        claim = Claim.BUSY
        try:
            await self._prepared()
            found = await self._ask(key)
            claim = Claim.DONE if found["done"] else Claim.NEW if found["owner"] == self._claims.owner else Claim.BUSY
        finally:
            if claim is not Claim.NEW:
                self._claims.end(key)
        return claim

    async def done(self, key: str) -> None:
        """Remember a message as processed, whoever has claimed it meanwhile: the effect is there.

        Raises:
            DatabaseUnavailableError: MongoDB does not answer.
        """
        with self._operation("done"):
            await self._keys.update_one({"_id": key}, [{"$set": self._as_done()}], upsert=True)
        self._claims.end(key)

    async def release(self, key: str) -> None:
        """Give a claimed message back, unless the claim is over and somebody else has it.

        Raises:
            DatabaseUnavailableError: MongoDB does not answer.
        """
        if self._claims.end(key):
            with self._operation("release"):
                await self._keys.delete_one({"_id": key, "owner": self._claims.owner, "done": False})

    @asynccontextmanager
    async def once(self, key: str, *, tries_for_seconds: float = 2.0) -> AsyncIterator[Once]:
        """Make a transaction in which the message is remembered as processed; its effect belongs in there.

        Effect and key are committed together at the end of the block, so the effect is there once, also when the
        consumer is killed before its ack. When the block raises, neither is there, and the message can be processed
        again.

        Args:
            key: The message's id; where consumers share the collection, with the consumer's name.
            tries_for_seconds: How long to wait for another consumer that is processing the same message.

        Raises:
            TransactionsNotSupportedError: The server is a standalone one.
            OperationError: The server refused or did not answer; its field `transient` is true when another consumer
                is still at it, or when a consumer was killed at it and the server has not noticed yet (up to a minute):
                let the message be delivered again later.
        """
        await self._prepared()
        if not self._has_transactions:
            await require_transactions(
                self._database,
                self._keys.name,
                otherwise="claim the message (claim, done, release) instead",
            )
            self._has_transactions = True
        with self._operation("once"):
            async with self._database.client.start_session() as session:
                is_first = await self._begin(key, session, tries_for_seconds)
                try:
                    yield Once(is_first, session)
                except BaseException:
                    if session.in_transaction:
                        await session.abort_transaction()
                    raise
                if session.in_transaction:
                    await session.commit_transaction()

    async def _begin(self, key: str, session: AsyncClientSession, tries_for_seconds: float) -> bool:
        """Begin a transaction that remembers the key, and return whether the key is new; if not, there is none."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + tries_for_seconds
        pause = _FIRST_PAUSE_SECONDS
        while True:
            await session.start_transaction(**TRANSACTION)
            try:
                # Of a message that was claimed and not processed, the claim is taken over. One that was processed is
                # not found, and cannot be inserted again.
                await self._keys.update_one(
                    {"_id": key, "done": False}, [{"$set": self._as_done()}], upsert=True, session=session
                )
            except DuplicateKeyError:
                await session.abort_transaction()
                return False
            except PyMongoError as error:
                await session.abort_transaction()
                if not error.has_error_label("TransientTransactionError") or loop.time() + pause > deadline:
                    raise
            else:
                return True
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - so that two do not collide for ever
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _ask(self, key: str) -> dict[str, Any]:
        """Make the message ours where nobody has it, and return what is known of it."""
        # Where two want to insert it in the same moment, one is refused, or is told nothing: it asks again.
        for tries_left in reversed(range(_TRIES)):
            try:
                with self._operation("claim"):
                    found = await self._keys.find_one_and_update(
                        {"_id": key}, self._as_claimed(), upsert=True, return_document=ReturnDocument.AFTER
                    )
            except UnableToCreateEntityDueToDuplicateKeyError:
                if not tries_left:
                    raise
            else:
                if found is not None:
                    return found
        return {"owner": None, "done": False}

    def _as_claimed(self) -> list[dict[str, Any]]:
        """The update that makes a message ours where nobody has it; anywhere else it changes nothing."""
        # As numbers: not every server compares a stored date with $$NOW. A missing one is less than any.
        over = {"$lte": [{"$toLong": "$until"}, {"$toLong": "$$NOW"}]}
        claimed = {
            "done": False,
            "owner": self._claims.owner,
            "until": _later(self._lease_ms),
            "expires_at": _later(self._lease_ms + self._retention_ms),
        }
        # One that is ours already is one whose answer was lost.
        ours = {"$eq": ["$owner", self._claims.owner]}
        return [
            {"$set": {_FREE: {"$and": [{"$ne": ["$done", True]}, {"$or": [over, ours]}]}}},
            {"$set": {name: {"$cond": [f"${_FREE}", value, f"${name}"]} for name, value in claimed.items()}},
            {"$unset": _FREE},
        ]

    def _as_done(self) -> dict[str, Any]:
        return {"done": True, "owner": None, "until": None, "expires_at": _later(self._retention_ms)}

    async def _prepared(self) -> None:
        if not self._is_ready:
            await self.ready()

    @contextmanager
    def _operation(self, name: str) -> Iterator[None]:
        try:
            with self._operations(name):
                yield
        except DatabaseUnavailableError:
            self._is_ready = False  # a server may come back empty
            raise


def _later(milliseconds: int) -> dict[str, Any]:
    return {"$add": ["$$NOW", milliseconds]}
