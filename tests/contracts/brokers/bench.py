"""What all parts of the suite work with."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aio_pika
import pytest
from aio_pika import Message
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue

__all__ = ["DEADLINE_SECONDS", "BrokerBench", "Inbox", "body_of", "eventually", "publish", "take", "take_all"]

DEADLINE_SECONDS = 5.0


async def eventually(condition: Callable[[], bool], what: str) -> None:
    """Return as soon as it is so."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not so after {DEADLINE_SECONDS:g} s: {what}"
        await asyncio.sleep(0.005)


async def publish(channel: AbstractChannel, key: str, *bodies: str, **properties: Any) -> None:
    """Publish to the default exchange, which is to the queue of that name."""
    for body in bodies:
        await channel.default_exchange.publish(Message(body.encode(), **properties), routing_key=key)


async def take(queue: AbstractQueue, *, no_ack: bool = True) -> AbstractIncomingMessage:
    """Take the next message, as soon as there is one."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (message := await queue.get(no_ack=no_ack, fail=False)) is None:
        assert time.monotonic() < deadline, f"nothing in {queue.name} after {DEADLINE_SECONDS:g} s"
        await asyncio.sleep(0.005)
    return message


async def take_all(queue: AbstractQueue) -> list[str]:
    """Take what waits now."""
    bodies = []
    while (message := await queue.get(no_ack=True, fail=False)) is not None:
        bodies.append(body_of(message))
    return bodies


def body_of(message: AbstractIncomingMessage) -> str:
    return message.body.decode()


class Inbox:
    """A consumer that keeps what it gets, and settles nothing by itself."""

    def __init__(self) -> None:
        self.messages: list[AbstractIncomingMessage] = []

    async def __call__(self, message: AbstractIncomingMessage) -> None:
        self.messages.append(message)

    @property
    def bodies(self) -> list[str]:
        return [body_of(message) for message in self.messages]

    async def has(self, count: int) -> None:
        await eventually(lambda: len(self.messages) >= count, f"{count} messages, got {self.bodies}")


class BrokerBench:
    """A connection and a channel to a broker with nothing in it."""

    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError("say where the broker is")

    @pytest.fixture
    async def connection(self, url: str) -> AsyncIterator[AbstractConnection]:
        connection = await aio_pika.connect(url)
        yield connection
        await connection.close()

    @pytest.fixture
    async def another(self, url: str) -> AsyncIterator[AbstractConnection]:
        """Another connection."""
        connection = await aio_pika.connect(url)
        yield connection
        await connection.close()

    @pytest.fixture
    async def channel(self, connection: AbstractConnection) -> AbstractChannel:
        return await connection.channel()
