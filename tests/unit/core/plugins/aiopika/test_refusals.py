"""After a refusal a publisher does not trust its channel: one that lost its queue's leader may refuse for ever."""

import aio_pika
import pytest

from fastapi_factory_utilities.core.plugins.aiopika import BrokerConnection, Exchange, MessageRefusedError, Queue
from fastapi_factory_utilities.testing import InMemoryBroker
from tests.integration.rabbitmq.shown import BookEvents, book, connected, events_on, eventually

BOOKS = Exchange("books", "topic")


async def refuse(connection: BrokerConnection, events: BookEvents) -> None:
    await Queue("books.full", BOOKS, "full.*", max_length=1, overflow="reject-publish").set_robust_connection(
        connection
    ).setup()
    await events.publish(book("Emma"), "full.one")
    for _ in range(3):
        with pytest.raises(MessageRefusedError):
            await events.publish(book("Persuasion"), "full.two")


async def test_after_a_refusal_messages_take_another_channel_and_the_first_is_closed(
    amqp_broker: InMemoryBroker,
) -> None:
    async with connected(amqp_broker.url) as connection:
        events = await events_on(connection)
        await events.publish(book("Sanditon"), "books.created")
        outlet = connection.outlet("books")
        before = outlet._channel
        assert before is not None

        await refuse(connection, events)
        await events.publish(book("Lady Susan"), "books.created")

        assert outlet._channel is not before
        assert outlet._channel is not None
        await eventually(lambda: before.is_closed)
        assert not outlet._channel.is_closed
    assert amqp_broker.queue("books.index").ready == 2


async def test_a_channel_of_somebody_else_is_kept(amqp_broker: InMemoryBroker) -> None:
    async with connected(amqp_broker.url) as connection, await aio_pika.connect(amqp_broker.url) as line:
        channel = await line.channel()
        await events_on(connection)
        events = BookEvents(BOOKS)
        events.set_channel(channel)
        await refuse(connection, events)
        await events.publish(book("Lady Susan"), "books.created")
        assert not channel.is_closed
