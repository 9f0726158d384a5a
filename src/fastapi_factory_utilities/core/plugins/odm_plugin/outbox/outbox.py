"""`Outbox`: what is saved and what is published are one thing."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi_factory_utilities.core.plugins.odm_plugin import required  # noqa: F401 - tells how to install what follows

# isort: split
from pymongo.asynchronous.client_session import AsyncClientSession

from fastapi_factory_utilities.core.plugins.messages import OutgoingMessage
from fastapi_factory_utilities.core.plugins.odm_plugin.client import operations_in, telemetry_of
from fastapi_factory_utilities.core.plugins.odm_plugin.errors import DatabaseUnavailableError, OperationError
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.collections import TRANSACTION
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.records import ParkedMessage, encode
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.store import OutboxStore
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.support import EMBEDDED, require_transactions
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.tracing import with_trace

__all__ = ["Outbox", "OutboxTransaction"]

_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.5


class OutboxTransaction:
    """A transaction that messages are a part of.

    Attributes:
        session: To be passed to every repository method that takes part.
    """

    def __init__(self, session: AsyncClientSession) -> None:
        self.session = session
        self._telemetry = telemetry_of(session.client)
        self._documents: list[dict[str, Any]] | None = []

    async def publish(self, message: OutgoingMessage, *, key: str | None = None) -> None:
        """Publish a message, should the transaction be committed.

        Args:
            message: What is published; its `message_id` is what an inbox knows it again by.
            key: Messages with the same key are sent one after the other, in the order in which their transactions
                were committed; those without a key are sent as fast as they can be.

        Raises:
            RuntimeError: The transaction is over.
        """
        if self._documents is None:
            raise RuntimeError("the outbox's transaction is over: publish inside its block")
        self._documents.append(encode(with_trace(message, self._telemetry), key=key))

    def close(self) -> list[dict[str, Any]]:
        """Take no more messages, and return those that there are, as documents."""
        documents, self._documents = self._documents or [], None
        return documents


class Outbox:
    """Publishes messages in the same transaction as entities are saved in.

    ::

        async with outbox.transaction() as tx:
            await books.insert(book, session=tx.session)
            await tx.publish(OutgoingMessage(exchange="books", routing_key="book.added", body=...))

    Once the block is left without an error, the message will reach the broker, at least once, whatever happens to this
    process; when the block raises, or the process dies in it, neither entity nor message was ever there.

    Args:
        store: Where the messages wait.
        wake: Set when something was committed.
    """

    def __init__(self, store: OutboxStore, wake: asyncio.Event) -> None:
        self._store = store
        self._operations = operations_in(store.database, store.name)
        self._telemetry = telemetry_of(store.database.client)
        self._wake = wake
        self._has_transactions = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[OutboxTransaction]:
        """Make a transaction, committed at the end of the block and given up when the block raises.

        Raises:
            TransactionsNotSupportedError: The server is a standalone one.
            OperationError: It could not be committed. Where its field `transient` is true, trying the whole block
                again helps; `run` does that.
        """
        if not self._has_transactions:
            await require_transactions(self._store.database, self._store.name, otherwise=EMBEDDED)
            self._has_transactions = True
        try:
            with self._operations("transaction"):
                async with (
                    self._store.database.client.start_session() as session,
                    await session.start_transaction(**TRANSACTION),
                ):
                    transaction = OutboxTransaction(session)
                    try:
                        yield transaction
                    finally:
                        documents = transaction.close()
                    if documents:
                        await self._store.add(documents, session)
        finally:
            self._wake.set()

    async def run[ResultT](
        self, work: Callable[[OutboxTransaction], Awaitable[ResultT]], *, tries_for_seconds: float = 5.0
    ) -> ResultT:
        """Do some work in a transaction, again when another transaction was in its way, and return what it returns.

        Args:
            work: What is done; it must bear repetition, as far as it does more than use the transaction.
            tries_for_seconds: How long it is begun again.

        Raises:
            OperationError: It still could not be committed.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + tries_for_seconds
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                async with self.transaction() as transaction:
                    return await work(transaction)
            except OperationError as error:
                # A server that does not answer has had its deadline; the caller's must hold as well.
                is_in_the_way = error.fields.get("transient") and not isinstance(error, DatabaseUnavailableError)
                if not is_in_the_way or loop.time() + pause > deadline:
                    raise
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - so that two do not collide for ever
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def add(self, *messages: OutgoingMessage, session: AsyncClientSession, key: str | None = None) -> None:
        """Publish messages as a part of a transaction that was made elsewhere, such as a repository's.

        The relay sees them when it looks next, `poll_interval_seconds` after the commit at the latest.

        Args:
            *messages: What is published, should the transaction be committed.
            session: The transaction's session.
            key: See `OutboxTransaction.publish`.

        Raises:
            RuntimeError: The session is in no transaction.
            OperationError: The server refused or did not answer.
        """
        if not session.in_transaction:
            raise RuntimeError("the session is in no transaction: messages and entities would not be one thing")
        if messages:
            kept = [encode(with_trace(message, self._telemetry), key=key) for message in messages]
            await self._store.add(kept, session)

    async def parked(self, *, limit: int = 100) -> list[ParkedMessage]:
        """Return messages that were set aside because the broker refused them, the oldest first.

        Raises:
            OperationError: The server refused or did not answer.
        """
        return await self._store.parked(limit)

    async def requeue(self, *message_ids: str) -> int:
        """Let messages that were set aside be tried again, and return how many there were.

        Args:
            *message_ids: Which ones; without any, all of them.

        Raises:
            OperationError: The server refused or did not answer.
        """
        count = await self._store.requeue(message_ids)
        self._wake.set()
        return count
