"""Exchanges, queues and bindings: declared as they are written, each failure one item's own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from fastapi_factory_utilities.core.plugins.aiopika import (
    AiopikaPlugin,
    Binding,
    BrokerConnection,
    Exchange,
    Queue,
    TopologyError,
    depends_aiopika_robust_connection,
)
from fastapi_factory_utilities.core.services.status import ReadinessStatusEnum
from fastapi_factory_utilities.testing import FaultProxy
from fastapi_factory_utilities.testing.running import lifespan
from tests.integration.rabbitmq.shown import BOOKS, COMPONENT, INDEX, App, eventually, make_app


@asynccontextmanager
async def declared(uri: str, *items: Exchange | Queue) -> AsyncIterator[tuple[App, BrokerConnection]]:
    """An application whose topology is declared, as far as that is possible."""
    exchanges = [item for item in items if isinstance(item, Exchange)]
    queues = [item for item in items if isinstance(item, Queue)]
    app = make_app(uri, AiopikaPlugin(exchanges=exchanges, queues=queues))
    async with lifespan(app):
        connection = depends_aiopika_robust_connection.of(app.get_asgi_app())
        async with asyncio.timeout(10):
            await connection.ready()
        yield app, connection


def reason(app: App) -> str:
    return app.get_status_service().components[COMPONENT].status.reason or ""


def is_ready(app: App) -> bool:
    return app.get_status_service().components[COMPONENT].status.readiness is ReadinessStatusEnum.READY


async def arrives(channel: AbstractChannel, queue: str, exchange: str, key: str, **headers: str) -> bool:
    """Whether a message that is published so ends in a queue."""
    message = aio_pika.Message(b"x", headers=dict(headers))
    await (await channel.get_exchange(exchange)).publish(message, key, mandatory=False)
    return await (await channel.get_queue(queue)).get(no_ack=True, fail=False) is not None


async def test_a_queue_gets_what_each_of_its_bindings_says(rabbitmq_uri: str, observer: AbstractChannel) -> None:
    everything = Exchange("everything", "fanout")
    topics = Exchange("topics", "topic", bindings=[Binding(everything)])
    by_headers = Exchange("by_headers", "headers")
    queue = Queue(
        "q",
        topics,
        ["books.*", "films.#"],
        bindings=[Binding(by_headers, arguments={"x-match": "all", "tenant": "north", "kind": "book"})],
    )
    async with declared(rabbitmq_uri, queue):
        assert await arrives(observer, "q", "topics", "books.created")
        assert await arrives(observer, "q", "topics", "films.created.today")
        assert not await arrives(observer, "q", "topics", "plays.created")
        assert await arrives(observer, "q", "everything", "books.created"), "an exchange bound to an exchange"
        assert await arrives(observer, "q", "by_headers", "", tenant="north", kind="book")
        assert not await arrives(observer, "q", "by_headers", "", tenant="north", kind="film")


async def test_what_a_queue_is_told_becomes_its_arguments(rabbitmq_uri: str, observer: AbstractChannel) -> None:
    dead = Queue("dead")
    queue = Queue(
        "short",
        queue_type="classic",
        message_ttl_seconds=0.05,
        expires_seconds=60,
        dead_letter_exchange="",
        dead_letter_routing_key="dead",
        max_length=5,
        overflow="reject-publish",
        max_priority=3,
        single_active_consumer=True,
        arguments={"x-max-length-bytes": 1000},
    )
    quorum = Queue("safe", queue_type="quorum")
    async with declared(rabbitmq_uri, dead, queue, quorum):
        await observer.declare_queue(
            "short",
            durable=True,
            arguments={
                "x-queue-type": "classic",
                "x-message-ttl": 50,
                "x-expires": 60000,
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": "dead",
                "x-max-length": 5,
                "x-overflow": "reject-publish",
                "x-max-priority": 3,
                "x-single-active-consumer": True,
                "x-max-length-bytes": 1000,
            },
        )
        await observer.declare_queue("safe", durable=True, arguments={"x-queue-type": "quorum"})
        await observer.default_exchange.publish(aio_pika.Message(b"expires"), "short")
        queue_of_dead = await observer.get_queue("dead")
        async with asyncio.timeout(5):
            while await queue_of_dead.get(no_ack=True, fail=False) is None:
                await asyncio.sleep(0.01)


async def test_a_queue_that_is_another_is_an_error_of_its_own(rabbitmq_uri: str, observer: AbstractChannel) -> None:
    await observer.declare_queue("other", durable=True, arguments={"x-max-length": 1})
    other, after = Queue("other", max_length=2), Queue("after", BOOKS, "after.*")
    async with declared(rabbitmq_uri, INDEX, other, after) as (app, connection):
        problem = connection.problem_with(other)
        assert isinstance(problem, TopologyError)
        assert problem.fields == {"kind": "queue", "name": "other", "code": 406}
        assert "queue 'other' could not be declared: it exists and is another" in str(problem)
        assert "x-max-length" in str(problem), "what differs, in the broker's words"
        assert connection.problem_with(INDEX) is connection.problem_with(after) is None
        assert await arrives(observer, "after", "books", "after.all"), "the others are declared"
        await eventually(lambda: "queue 'other'" in reason(app), told=lambda: reason(app))
        assert not is_ready(app)
        await observer.queue_delete("other")
        await eventually(lambda: is_ready(app), told=lambda: reason(app))
        assert connection.problem_with(other) is None


async def test_what_must_be_there_and_is_not_is_named(rabbitmq_uri: str, observer: AbstractChannel) -> None:
    queue, exchange = Queue("theirs", passive=True), Exchange("their.events", passive=True)
    bound = Queue("ours", exchange, "#")
    async with declared(rabbitmq_uri, queue, bound, INDEX) as (app, connection):
        for item, name in ((queue, "queue 'theirs'"), (exchange, "exchange 'their.events'"), (bound, "queue 'ours'")):
            problem = connection.problem_with(item)
            assert isinstance(problem, TopologyError)
            assert f"{name} could not be declared: declare what is missing first" in str(problem)
            assert problem.fields["code"] == 404
        assert connection.problem_with(INDEX) is None
        await eventually(lambda: "2 more: " in reason(app), told=lambda: reason(app))
        await observer.declare_queue("theirs")
        await observer.declare_exchange("their.events", aio_pika.ExchangeType.TOPIC)
        await eventually(lambda: is_ready(app), told=lambda: reason(app))
        assert await arrives(observer, "ours", "their.events", "any")


async def test_what_the_broker_ends_the_connection_for_is_not_tried_again(
    rabbitmq_uri: str, observer: AbstractChannel
) -> None:
    odd = Exchange("odd", "x-no-such-type")
    async with declared(rabbitmq_uri, odd, INDEX) as (app, connection):
        problem = connection.problem_with(odd)
        assert isinstance(problem, TopologyError)
        assert "unknown exchange type" in str(problem)
        assert await arrives(observer, "books.index", "books", "books.created"), "the others are declared"
        await eventually(lambda: "exchange 'odd'" in reason(app), told=lambda: reason(app))
        assert connection.is_ready


async def test_two_that_contradict_each_other_are_told(rabbitmq_uri: str) -> None:
    async with declared(rabbitmq_uri, Queue("q"), Queue("q", max_length=1)) as (_, connection):
        await eventually(lambda: "queue 'q'" in str(connection.problem_with(Queue("q"))))


async def test_a_queue_is_declared_again_whenever_the_connection_is_made_anew(
    rabbitmq_uri: str, observer: AbstractChannel, fault_proxy: Callable[[str], FaultProxy]
) -> None:
    line = fault_proxy(rabbitmq_uri)
    async with declared(line.uri, INDEX) as (app, connection):
        await eventually(lambda: is_ready(app))
        await observer.queue_delete("books.index")
        line.drop()
        await eventually(lambda: not connection.is_ready)
        async with asyncio.timeout(10):
            await connection.ready()
        assert await arrives(observer, "books.index", "books", "books.created")


async def test_it_can_be_set_up_by_hand(rabbitmq_uri: str, observer: AbstractChannel) -> None:
    await Queue("by.channel", Exchange("a"), "#").set_channel(observer).setup()
    assert await arrives(observer, "by.channel", "a", "any")
    async with await aio_pika.connect_robust(rabbitmq_uri) as line:
        await Queue("by.line", Exchange("b", aio_pika.ExchangeType.FANOUT)).set_robust_connection(line).setup()
        assert await arrives(observer, "by.line", "b", "any")
        other = Queue("by.line", max_length=1).set_robust_connection(line)
        with pytest.raises(TopologyError, match=r"queue 'by\.line' could not be declared"):
            await other.setup()
        await Queue("by.line", Exchange("b", "fanout")).set_robust_connection(line).setup()
