"""The broker in memory, as a test holds it."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aio_pika
import pytest
from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.abc import AbstractChannel

from fastapi_factory_utilities.testing import InMemoryBroker, no_leaks
from fastapi_factory_utilities.testing.amqp import Binding, QueueView


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(url) as connection:
        yield await connection.channel()


async def publish(channel: AbstractChannel, queue: str, *bodies: str, **properties: Any) -> None:
    for body in bodies:
        await channel.default_exchange.publish(Message(body.encode(), **properties), routing_key=queue)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def bodies(broker: InMemoryBroker, queue: str) -> list[str]:
    return [message.body.decode() for message in broker.messages(queue)]


# --- life ---


def test_it_leaves_nothing_behind() -> None:
    threads = set(threading.enumerate())
    with no_leaks(), InMemoryBroker() as broker:
        socket.create_connection(("127.0.0.1", broker.port)).close()
    assert set(threading.enumerate()) == threads


def test_it_can_be_used_again_after_it_was_closed_and_knows_nothing_of_before() -> None:
    broker = InMemoryBroker()
    for _ in range(2):
        with broker:
            assert broker.queues() == []
    broker.close()


def test_it_listens_where_it_is_told() -> None:
    with InMemoryBroker() as first:
        port = first.port
        with pytest.raises(OSError, match="in use"), InMemoryBroker(port=port):
            pass
    with InMemoryBroker(port=port) as second:
        assert second.url == f"amqp://guest:guest@127.0.0.1:{port}/"


def test_using_it_while_it_does_not_run_is_told() -> None:
    broker = InMemoryBroker()
    with pytest.raises(RuntimeError, match="is not running"):
        _ = broker.url
    with pytest.raises(RuntimeError, match="is not running"):
        broker.queues()
    with broker, pytest.raises(RuntimeError, match="is running already"):
        broker.start()


async def test_virtual_hosts_know_nothing_of_each_other() -> None:
    async with InMemoryBroker(vhosts=["/", "one"]) as broker:
        other = broker.add_vhost("the other/one")
        for url in (broker.url_for("one"), other):
            async with connected(url) as channel:
                await channel.declare_queue("queue")
                await publish(channel, "queue", "a")
        assert broker.add_vhost("the other/one") == other  # and what is in it is kept
        assert [broker.queue("queue", vhost).ready for vhost in ("one", "the other/one")] == [1, 1]
        assert broker.queues() == []


# --- what is in it ---


async def test_a_test_can_look_at_everything_in_it(amqp_broker: InMemoryBroker) -> None:
    async with connected(amqp_broker.url) as channel:
        exchange = await channel.declare_exchange("books", ExchangeType.TOPIC)
        queue = await channel.declare_queue("queue", durable=True, arguments={"x-max-length": 5})
        await queue.bind(exchange, "book.*", arguments={"a": 1})
        written = datetime(2026, 11, 23, tzinfo=UTC)
        await exchange.publish(
            Message(b"{}", headers={"a": 1}, message_id="m", correlation_id="c", type="t", timestamp=written),
            routing_key="book.created",
        )
        await publish(channel, "queue", "second")
        await queue.get()

        assert amqp_broker.exchanges()["books"] == "topic"
        assert amqp_broker.bindings() == [Binding("books", "queue", "queue", "book.*", {"a": 1})]
        assert amqp_broker.connections == 1
        assert amqp_broker.queues() == [
            QueueView(
                name="queue",
                ready=1,
                unacked=1,
                consumers=0,
                durable=True,
                exclusive=False,
                auto_delete=False,
                arguments={"x-max-length": 5},
            )
        ]
        await channel.close()
        eventually(lambda: amqp_broker.queue("queue").ready == 2)
    first, second = amqp_broker.messages("queue")
    assert (first.exchange, first.routing_key, first.body, first.headers) == ("books", "book.created", b"{}", {"a": 1})
    assert (first.message_id, first.correlation_id, first.type, first.timestamp) == ("m", "c", "t", written)
    assert (first.redelivered, second.redelivered, second.body) == (True, False, b"second")
    with pytest.raises(KeyError):
        amqp_broker.queue("missing")
    with pytest.raises(KeyError):
        amqp_broker.messages("missing")


# --- faults ---


async def fill(channel: AbstractChannel) -> None:
    lasting = await channel.declare_exchange("lasting", ExchangeType.TOPIC, durable=True)
    onward = await channel.declare_exchange("onward", ExchangeType.FANOUT, durable=True)
    passing = await channel.declare_exchange("passing", ExchangeType.TOPIC)
    queue = await channel.declare_queue("lasting", durable=True, arguments={"x-dead-letter-exchange": ""})
    quorum = await channel.declare_queue("quorum", durable=True, arguments={"x-queue-type": "quorum"})
    await channel.declare_queue("passing")
    await channel.declare_queue("mine", durable=True, exclusive=True)
    await onward.bind(lasting, "#")
    for each in (queue, quorum):
        await each.bind(lasting, "a.#")
    await queue.bind(passing, "a.#")
    for name in ("lasting", "quorum", "passing"):
        await publish(channel, name, "1", "2", "3", delivery_mode=DeliveryMode.PERSISTENT)
        await publish(channel, name, "transient")
    assert await queue.get() is not None


async def test_a_restart_keeps_what_is_durable_in_its_order(amqp_broker: InMemoryBroker) -> None:
    port = amqp_broker.port
    async with connected(amqp_broker.url) as channel:
        await fill(channel)
        amqp_broker.restart()

    assert amqp_broker.port == port
    assert amqp_broker.connections == 0
    assert [queue.name for queue in amqp_broker.queues()] == ["lasting", "quorum"]
    assert bodies(amqp_broker, "lasting") == ["1", "2", "3"]
    assert [message.redelivered for message in amqp_broker.messages("lasting")] == [True, False, False]
    assert bodies(amqp_broker, "quorum") == ["1", "2", "3", "transient"]
    assert {name for name in amqp_broker.exchanges() if name and not name.startswith("amq.")} == {"lasting", "onward"}
    assert sorted((way.source, way.kind, way.destination) for way in amqp_broker.bindings()) == [
        ("lasting", "exchange", "onward"),
        ("lasting", "queue", "lasting"),
        ("lasting", "queue", "quorum"),
    ]
    async with connected(amqp_broker.url) as channel:
        await publish(channel, "lasting", "4")
    assert bodies(amqp_broker, "lasting") == ["1", "2", "3", "4"]


async def test_a_broker_that_forgets_has_its_virtual_hosts_and_nothing_in_them(amqp_broker: InMemoryBroker) -> None:
    amqp_broker.add_vhost("room")
    async with connected(amqp_broker.url) as channel:
        await fill(channel)
        amqp_broker.forget()

    assert amqp_broker.queues() == amqp_broker.queues("room") == []
    assert amqp_broker.bindings() == []
    async with connected(amqp_broker.url_for("room")):
        assert amqp_broker.connections == 1


async def test_a_stopped_broker_refuses_until_it_is_restarted(amqp_broker: InMemoryBroker) -> None:
    async with connected(amqp_broker.url) as channel:
        await fill(channel)
        amqp_broker.stop()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", amqp_broker.port))
    amqp_broker.restart()
    assert bodies(amqp_broker, "lasting") == ["1", "2", "3"]


async def test_a_robust_client_finds_its_way_back(amqp_broker: InMemoryBroker) -> None:
    connection = await aio_pika.connect_robust(amqp_broker.url, reconnect_interval=0.01)
    channel = await connection.channel()
    queue = await channel.declare_queue("queue", durable=True)
    received: list[bytes] = []

    async def keep(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        received.append(message.body)
        await message.ack()

    await queue.consume(keep)
    for number, harm in enumerate((amqp_broker.drop_connections, amqp_broker.restart)):
        harm()
        deadline = time.monotonic() + 5
        while not any(queue.consumers for queue in amqp_broker.queues()):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        await channel.default_exchange.publish(Message(str(number).encode()), routing_key="queue")
        while len(received) <= number:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
    await connection.close()
