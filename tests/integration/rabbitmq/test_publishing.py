"""Publishing: persistent, mandatory, confirmed, within a deadline."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from pamqp.commands import Basic

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.plugins.aiopika import (
    AiopikaPluginBaseError,
    BrokerConnection,
    BrokerUnavailableError,
    Exchange,
    MessageRefusedError,
    NotAllPublishedError,
    Queue,
    UnroutableMessageError,
)
from fastapi_factory_utilities.core.plugins.aiopika.sender import ConfirmedSender
from fastapi_factory_utilities.core.plugins.messages import OutgoingMessage
from fastapi_factory_utilities.testing import FaultProxy
from tests.integration.rabbitmq.shown import BookEvents, book, connected, events_on, eventually, outcomes, titles

SLACK_SECONDS = 2.0


async def test_a_message_arrives_persistent_with_its_headers_and_its_identity(
    connection: BrokerConnection, observer: AbstractChannel
) -> None:
    events = await events_on(connection)
    message = book("Emma").set_headers({"tenant": "north"}).set_correlation_id("order-7")
    await events.publish(message, "books.created")
    arrived = await (await observer.get_queue("books.index")).get(no_ack=True)
    assert arrived is not None
    assert arrived.body == b'{"title":"Emma"}'
    assert arrived.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert arrived.headers == {"tenant": "north"}
    assert arrived.message_id == message.message_id
    assert arrived.correlation_id == "order-7"
    assert arrived.content_type == "application/json"
    assert arrived.timestamp is not None
    assert abs(datetime.now(UTC) - arrived.timestamp) < timedelta(minutes=1)


async def test_a_message_that_no_queue_takes_raises(connection: BrokerConnection) -> None:
    events = await events_on(connection)
    with pytest.raises(UnroutableMessageError, match=r"exchange 'books' with routing key 'films\.created'") as caught:
        await events.publish(book("Emma"), "films.created")
    assert caught.value.fields == {"exchange": "books", "routing_key": "films.created"}
    assert not isinstance(caught.value, BackendUnavailableError)


async def test_a_missing_exchange_raises_and_harms_no_other_exchange(
    connection: BrokerConnection, observer: AbstractChannel
) -> None:
    events = await events_on(connection)
    lost = BookEvents(Exchange("nowhere"))
    lost.set_robust_connection(connection)
    failed = await outcomes(
        publishing
        for number in range(100)
        for publishing in (events.publish(book(number), "books.created"), lost.publish(book(number), "books.created"))
    )
    assert failed[::2] == [None] * 100
    assert all(isinstance(error, UnroutableMessageError) and "no such exchange" in str(error) for error in failed[1::2])
    assert sorted(map(int, await titles(observer))) == list(range(100)), "none twice"


async def test_a_message_that_the_broker_cannot_keep_raises(connection: BrokerConnection) -> None:
    events = await events_on(connection)
    full = Queue("books.full", Exchange("books", "topic"), "full.*", max_length=1, overflow="reject-publish")
    await full.set_robust_connection(connection).setup()
    await events.publish(book("Emma"), "full.one")
    with pytest.raises(MessageRefusedError) as caught:
        await events.publish(book("Persuasion"), "full.two")
    assert isinstance(caught.value, BackendUnavailableError), "over HTTP a 503: it may be taken later"
    assert "Persuasion" not in repr(caught.value)


async def test_what_the_broker_does_not_allow_is_an_error_that_says_so(connection: BrokerConnection) -> None:
    inner = Exchange("books.inner", "fanout", internal=True).set_robust_connection(connection)
    await connection.ready()
    await inner.setup()
    events = BookEvents(Exchange("books.inner"))
    events.set_robust_connection(connection)
    with pytest.raises(AiopikaPluginBaseError, match=r"does not allow publishing to exchange 'books\.inner'"):
        await events.publish(book("Emma"), "books.created")


async def test_publishes_do_not_wait_for_one_anothers_confirms(
    rabbitmq_uri: str, fault_proxy: Callable[[str], FaultProxy], observer: AbstractChannel
) -> None:
    line = fault_proxy(rabbitmq_uri)
    async with connected(line.uri) as connection:
        events = await events_on(connection, seconds=5)
        line.latency(0.1)
        # One after the other, these would take 40 s.
        assert await outcomes(events.publish(book(number), "books.created") for number in range(200)) == [None] * 200
        line.heal()
        assert sorted(map(int, await titles(observer))) == list(range(200))


async def test_more_messages_than_may_be_on_their_way_wait_for_their_turn(
    rabbitmq_uri: str, observer: AbstractChannel
) -> None:
    async with connected(rabbitmq_uri, max_unconfirmed=3) as connection:
        events = await events_on(connection)
        assert await outcomes(events.publish(book(number), "books.created") for number in range(50)) == [None] * 50
        assert sorted(map(int, await titles(observer))) == list(range(50))


async def test_one_message_published_twice_at_once_has_two_fates(
    connection: BrokerConnection, observer: AbstractChannel
) -> None:
    """The driver knows returned messages by their id alone."""
    events = await events_on(connection)
    message = book("Emma")
    keys = ["books.created", "films.created", "books.read", "films.read"]
    failed = await outcomes(events.publish(message, key) for key in keys)
    assert [type(error) for error in failed] == [type(None), UnroutableMessageError] * 2
    assert await titles(observer) == ["Emma", "Emma"]


async def test_many_messages_are_published_at_once_in_their_order(
    connection: BrokerConnection, observer: AbstractChannel
) -> None:
    events = await events_on(connection)
    await events.publish_many((book(number) for number in range(300)), "books.created")
    assert list(map(int, await titles(observer))) == list(range(300))
    await events.publish_many([], "books.created")


async def test_of_many_messages_those_that_failed_are_named(
    connection: BrokerConnection, observer: AbstractChannel
) -> None:
    events = await events_on(connection)
    narrow = Queue("books.narrow", Exchange("books", "topic"), "narrow.*", max_length=2, overflow="reject-publish")
    await narrow.set_robust_connection(connection).setup()
    with pytest.raises(NotAllPublishedError) as caught:
        await events.publish_many([book(number) for number in range(4)], "narrow.created")
    assert caught.value.failures.keys() == {2, 3}
    assert all(isinstance(error, MessageRefusedError) for error in caught.value.failures.values())
    assert isinstance(caught.value, BrokerUnavailableError)
    assert await titles(observer, "books.narrow") == ["0", "1"]
    with pytest.raises(NotAllPublishedError) as unroutable:
        await events.publish_many([book(1)], "films.created")
    assert not isinstance(unroutable.value, BrokerUnavailableError)


async def test_a_publish_waits_for_the_connection_within_its_deadline(
    rabbitmq_uri: str, fault_proxy: Callable[[str], FaultProxy], observer: AbstractChannel
) -> None:
    line = fault_proxy(rabbitmq_uri)
    async with connected(line.uri) as connection:
        events = await events_on(connection, seconds=10)
        line.refuse()
        publishing = asyncio.gather(*(events.publish(book(number), "books.created") for number in range(5)))
        await asyncio.sleep(0.3)
        assert not publishing.done()
        line.heal()
        await publishing
        assert sorted(set(map(int, await titles(observer)))) == list(range(5))


@pytest.mark.parametrize("fault", ["refuse", "freeze"])
async def test_without_a_broker_a_publish_raises_at_its_deadline(
    rabbitmq_uri: str, fault_proxy: Callable[[str], FaultProxy], fault: str
) -> None:
    line = fault_proxy(rabbitmq_uri)
    async with connected(line.uri) as connection:
        events = await events_on(connection, seconds=0.3)
        getattr(line, fault)()
        for publishing in (events.publish(book(1), "books.created"), events.publish_many([book(2)], "books.created")):
            began = time.monotonic()
            with pytest.raises(BrokerUnavailableError) as caught:
                await publishing
            assert time.monotonic() - began < 0.3 + SLACK_SECONDS
            assert isinstance(caught.value, BackendUnavailableError)
        line.heal()


async def test_a_publish_that_is_cancelled_harms_no_other(
    rabbitmq_uri: str, fault_proxy: Callable[[str], FaultProxy]
) -> None:
    line = fault_proxy(rabbitmq_uri)
    async with connected(line.uri) as connection:
        events = await events_on(connection, seconds=10)
        await events.publish(book("first"), "books.created")
        line.latency(0.1)
        tasks = [asyncio.ensure_future(events.publish(book(number), "books.created")) for number in range(6)]
        # One that nobody takes comes back after it was cancelled: the driver trips over that.
        tasks.append(asyncio.ensure_future(events.publish(book("lost"), "films.created")))
        await asyncio.sleep(0.05)
        for task in (tasks[0], tasks[3], tasks[6]):
            task.cancel()
        failed = await outcomes(tasks)
        assert [type(error) for error in failed] == [
            asyncio.CancelledError if position in {0, 3, 6} else type(None) for position in range(7)
        ]
        await events.publish(book("last"), "books.created")


async def test_a_large_message_arrives_whole(connection: BrokerConnection, observer: AbstractChannel) -> None:
    events = await events_on(connection)
    await events.publish(book("x" * 1_000_000), "books.created")
    assert await titles(observer) == ["x" * 1_000_000]


async def test_a_sender_hands_over_what_is_complete_already(
    connection: BrokerConnection, observer: AbstractChannel
) -> None:
    await events_on(connection)
    sender = ConfirmedSender(connection)
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    await sender.send(
        OutgoingMessage(
            exchange="books",
            routing_key="books.created",
            body=b"{}",
            message_id="id-1",
            correlation_id="order-7",
            type="BookCreated",
            headers={"tenant": "north", "tries": 2, "at": at},
            timestamp=at,
        )
    )
    arrived = await (await observer.get_queue("books.index")).get(no_ack=True)
    assert arrived is not None
    assert (arrived.body, arrived.message_id, arrived.correlation_id) == (b"{}", "id-1", "order-7")
    assert (arrived.type, arrived.timestamp) == ("BookCreated", at)
    assert arrived.headers == {"tenant": "north", "tries": 2, "at": at}
    with pytest.raises(UnroutableMessageError):
        await sender.send(OutgoingMessage(exchange="books", routing_key="films.created", body=b"{}"))


async def test_the_default_exchange_reaches_a_queue_by_its_name(
    connection: BrokerConnection, observer: AbstractChannel
) -> None:
    await events_on(connection)
    await connection.publish("", "books.index", b'{"title": "Emma"}', Basic.Properties(message_id="1"))
    assert await titles(observer) == ["Emma"]


# --- without the plugin ---


async def test_a_publisher_works_with_a_connection_of_aio_pika(rabbitmq_uri: str, observer: AbstractChannel) -> None:
    async with await aio_pika.connect_robust(rabbitmq_uri) as line:
        exchange = Exchange("books", "topic")
        await Queue("books.index", exchange, "books.*").set_robust_connection(line).setup()
        events = BookEvents(exchange)
        events.set_robust_connection(line)
        await events.setup()
        await events.publish(book("Emma"), "books.created")
        with pytest.raises(UnroutableMessageError):
            await events.publish(book("Emma"), "films.created")
        async with line.channel() as channel:
            events.set_channel(channel)
            await events.publish(book("Persuasion"), "books.created")
    assert await titles(observer) == ["Emma", "Persuasion"]


async def test_a_publisher_without_a_connection_says_where_to_get_one() -> None:
    events = BookEvents(Exchange("books"))
    for using in (events.publish(book("Emma"), "books.created"), events.setup(), Exchange("books").setup()):
        with pytest.raises(AiopikaPluginBaseError, match="give it to AiopikaPlugin, or call set_robust_connection"):
            await using


async def test_what_waits_for_a_connection_that_is_over_is_told_at_once(
    rabbitmq_uri: str, fault_proxy: Callable[[str], FaultProxy]
) -> None:
    line = fault_proxy(rabbitmq_uri)
    async with connected(line.uri) as connection:
        events = await events_on(connection, seconds=60)
        line.refuse()
        publishing = asyncio.ensure_future(events.publish(book("Emma"), "books.created"))
        await eventually(lambda: not connection.is_connected)
    async with asyncio.timeout(SLACK_SECONDS):
        with pytest.raises(BrokerUnavailableError, match="the application has stopped"):
            await publishing
    with pytest.raises(BrokerUnavailableError):
        connection.channel()
