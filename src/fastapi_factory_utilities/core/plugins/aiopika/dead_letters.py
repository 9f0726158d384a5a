"""What was given up: looked at, and sent back to its queue."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Self

from fastapi_factory_utilities.core.plugins.aiopika.consuming_lines import line_errors
from fastapi_factory_utilities.core.plugins.aiopika.consuming_sources import source_of
from fastapi_factory_utilities.core.plugins.aiopika.dead_letter_headers import (
    AT,
    ERROR,
    REASON,
    attempts_made,
    origin_of,
    revived_headers,
)
from fastapi_factory_utilities.core.plugins.aiopika.retry_queues import dead_letter_queue
from fastapi_factory_utilities.core.plugins.aiopika.retry_shelves import QueueSender
from fastapi_factory_utilities.core.plugins.aiopika.topology import Queue

if TYPE_CHECKING:
    from aiormq.abc import AbstractChannel, DeliveredMessage

__all__ = ["DeadLetter", "DeadLetters"]

_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that was given up.

    Attributes:
        message_id: What its publisher knows it by.
        error: The class of the error that its last attempt ended with.
        reason: What that said, shortened.
        at: When it was given up; None where somebody else has put it there.
        attempts: How often handlers had failed with it before.
        exchange: Where it was first published.
        routing_key: Likewise.
        headers: All of its headers.
        body: Its content.
    """

    message_id: str | None
    error: str
    reason: str
    at: datetime | None
    attempts: int
    exchange: str
    routing_key: str
    headers: dict[str, Any] = field(repr=False)
    body: bytes = field(repr=False)

    @classmethod
    def of(cls, message: "DeliveredMessage") -> Self:
        """Read one as the driver received it."""
        headers: dict[str, Any] = message.header.properties.headers or {}
        exchange, routing_key = origin_of(headers, message.exchange or "", message.routing_key or "")
        at = headers.get(AT)
        return cls(
            message_id=message.header.properties.message_id,
            error=str(headers.get(ERROR, "")),
            reason=str(headers.get(REASON, "")),
            at=at if isinstance(at, datetime) else None,
            attempts=attempts_made(headers),
            exchange=exchange,
            routing_key=routing_key,
            headers=headers,
            body=message.body,
        )


class DeadLetters:
    """The messages of a queue that were given up.

    ::

        letters = DeadLetters(INDEX, connection)
        for letter in await letters.peek(10):
            print(letter.at, letter.error, letter.reason, letter.message_id)
        await letters.requeue_all()

    A message that goes back has all its attempts again. It is removed here when the broker has confirmed that its queue
    keeps it: what is cut short may come twice, and is never lost. An inbox does not remember a message that failed, so
    it is handled again.

    Args:
        queue: The queue whose messages these are.
        connection: What `depends_aiopika_robust_connection` gives, or a connection of aio-pika.
    """

    def __init__(self, queue: Queue, connection: Any) -> None:  # noqa: ANN401 - see `source_of`
        self._queue = queue
        self._dead = dead_letter_queue(queue)
        self._connection = connection
        self._sender = QueueSender(connection)

    async def count(self) -> int:
        """Return how many there are.

        Raises:
            BrokerUnavailableError: The broker does not answer, or there is no such queue: nothing has consumed it yet.
        """
        async with self._channel() as channel:
            return await self._count(channel)

    async def peek(self, limit: int = 100) -> list[DeadLetter]:
        """Return the oldest ones; they stay where they are.

        While this looks at them, others do not see them.

        Args:
            limit: How many at most.

        Raises:
            BrokerUnavailableError: See `count`.
        """
        async with self._channel() as channel:
            letters: list[DeadLetter] = []
            while len(letters) < limit and (message := await self._next(channel)) is not None:
                letters.append(DeadLetter.of(message))
            return letters  # the channel closes, and the broker puts them back in their places

    async def requeue(self, message_id: str) -> bool:
        """Send one back to its queue.

        Args:
            message_id: Which one; of several with the same id the oldest.

        Returns:
            Whether it was there.

        Raises:
            UnroutableMessageError: The queue is gone; the message stays.
            BrokerUnavailableError: See `count`.
        """
        async with self._channel() as channel:
            for _ in range(await self._count(channel)):
                message = await self._next(channel)
                if message is None:
                    return False
                if message.header.properties.message_id == message_id:
                    await self._revive(channel, message)
                    return True
        return False

    async def requeue_all(self) -> int:
        """Send all that are here now back to their queue, the oldest first; return how many.

        Raises:
            UnroutableMessageError: The queue is gone; the messages stay.
            BrokerUnavailableError: See `count`; those before it went back.
        """
        async with self._channel() as channel:
            revived = 0
            for _ in range(await self._count(channel)):  # what fails again meanwhile is not sent round and round
                message = await self._next(channel)
                if message is None:
                    break
                await self._revive(channel, message)
                revived += 1
            return revived

    async def _revive(self, channel: "AbstractChannel", message: "DeliveredMessage") -> None:
        properties = message.header.properties
        await self._sender.send(self._queue.name, message.body, properties, revived_headers(properties.headers or {}))
        if message.delivery_tag is not None:
            await channel.basic_ack(message.delivery_tag)

    async def _count(self, channel: "AbstractChannel") -> int:
        found = await channel.queue_declare(self._dead.name, passive=True, timeout=_SECONDS)
        return found.message_count or 0

    async def _next(self, channel: "AbstractChannel") -> "DeliveredMessage | None":
        message = await channel.basic_get(self._dead.name, timeout=_SECONDS)
        return None if message.delivery_tag is None else message

    @asynccontextmanager
    async def _channel(self) -> "AsyncIterator[AbstractChannel]":
        with line_errors(f"the queue {self._dead.name!r} could not be read"):
            async with asyncio.timeout(_SECONDS):
                channel = await source_of(self._connection).open_channel(confirmed=True)
            try:
                yield channel
            finally:
                if not channel.is_closed:
                    await channel.close()
