"""Exchanges and queues: made, found, compared, removed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aio_pika
import pytest
from aio_pika import ExchangeType, Message
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelLockedResource,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
)

from tests.contracts.brokers.bench import DEADLINE_SECONDS, BrokerBench, Inbox, publish, take_all

__all__ = ["Declaring"]

type Act = Callable[[AbstractChannel], Awaitable[object]]

MISMATCHES: dict[str, tuple[Act, str]] = {
    "a queue that is durable": (lambda c: c.declare_queue("queue", durable=True), "durable"),
    "a queue that deletes itself": (lambda c: c.declare_queue("queue", auto_delete=True), "auto_delete"),
    "a queue with a time": (lambda c: c.declare_queue("queue", arguments={"x-message-ttl": 6}), "x-message-ttl"),
    "a queue without its limit": (lambda c: c.declare_queue("queue", arguments=None), "x-max-length|x-message-ttl"),
    "a queue of another type": (
        lambda c: c.declare_queue("queue", durable=True, arguments={"x-queue-type": "quorum"}),
        "x-queue-type|durable",
    ),
    "an exchange of another type": (lambda c: c.declare_exchange("books", ExchangeType.FANOUT), "type"),
    "an exchange that is durable": (
        lambda c: c.declare_exchange("books", ExchangeType.TOPIC, durable=True),
        "durable",
    ),
    "an exchange inside": (lambda c: c.declare_exchange("books", ExchangeType.TOPIC, internal=True), "internal"),
}
INVALID: dict[str, dict[str, Any]] = {
    "a negative time": {"x-message-ttl": -1},
    "a time that is a text": {"x-message-ttl": "5"},
    "a limit that is a text": {"x-max-length": "5"},
    "an overflow nobody knows": {"x-overflow": "explode"},
    "a type nobody knows": {"x-queue-type": "magic"},
    "a routing key for no exchange": {"x-dead-letter-routing-key": "a"},
    "a quorum queue that is not durable": {"x-queue-type": "quorum"},
}
MISSING: dict[str, Act] = {
    "a queue": lambda c: c.declare_queue("missing", passive=True),
    "an exchange": lambda c: c.declare_exchange("missing", passive=True),
    "a queue to get from": lambda c: c.get_queue("missing", ensure=True),
}
RESERVED: dict[str, Act] = {
    "a queue": lambda c: c.declare_queue("amq.mine"),
    "an exchange": lambda c: c.declare_exchange("amq.mine", ExchangeType.TOPIC),
}


class Declaring(BrokerBench):
    async def test_declaring_the_same_again_finds_it(self, channel: AbstractChannel) -> None:
        arguments: dict[str, Any] = {"x-max-length": 5, "x-dead-letter-exchange": "", "unknown": 1}
        for _ in range(2):
            await channel.declare_exchange("books", ExchangeType.TOPIC, durable=True)
            queue = await channel.declare_queue("queue", durable=True, arguments=arguments)
            await publish(channel, "queue", "a")

        assert await take_all(queue) == ["a", "a"]

    async def test_a_queue_without_a_name_gets_one(self, channel: AbstractChannel) -> None:
        one, other = [await channel.declare_queue() for _ in range(2)]

        assert one.name.startswith("amq.gen-")
        assert one.name != other.name

    async def test_looking_at_a_queue_tells_its_messages_and_consumers(self, channel: AbstractChannel) -> None:
        queue = await channel.declare_queue("queue")
        await publish(channel, "queue", "a", "b")
        await channel.set_qos(prefetch_count=1)
        inbox = Inbox()
        await queue.consume(inbox)
        await inbox.has(1)

        seen = (await channel.declare_queue("queue", passive=True, durable=True)).declaration_result

        assert (seen.message_count, seen.consumer_count) == (1, 1)

    @pytest.mark.parametrize("what", MISMATCHES)
    async def test_declaring_it_otherwise_is_refused_and_says_what(
        self, connection: AbstractConnection, what: str
    ) -> None:
        channel = await connection.channel()
        await channel.declare_queue("queue", arguments={"x-max-length": 5, "x-message-ttl": 5000})
        await channel.declare_exchange("books", ExchangeType.TOPIC)
        act, named = MISMATCHES[what]

        with pytest.raises(ChannelPreconditionFailed, match=f"inequivalent arg '({named})'"):
            await act(channel)
        assert channel.is_closed
        await (await connection.channel()).declare_queue("other")  # the connection lives

    @pytest.mark.parametrize("what", INVALID)
    async def test_a_queue_that_makes_no_sense_is_refused(self, channel: AbstractChannel, what: str) -> None:
        with pytest.raises(ChannelPreconditionFailed):
            await channel.declare_queue("queue", arguments=INVALID[what])

    @pytest.mark.parametrize("what", MISSING)
    async def test_what_is_looked_for_and_missing_is_told(self, channel: AbstractChannel, what: str) -> None:
        with pytest.raises(ChannelNotFoundEntity, match="'missing' in vhost"):
            await MISSING[what](channel)

    @pytest.mark.parametrize("what", RESERVED)
    async def test_names_of_the_broker_are_refused(self, channel: AbstractChannel, what: str) -> None:
        with pytest.raises(ChannelAccessRefused, match="contains reserved prefix"):
            await RESERVED[what](channel)

    async def test_binding_needs_both_ends(self, connection: AbstractConnection) -> None:
        channel = await connection.channel()
        queue = await channel.declare_queue("queue")
        with pytest.raises(ChannelNotFoundEntity, match="no exchange 'missing'"):
            await queue.bind("missing", "a")

        channel = await connection.channel()
        underlay = await channel.get_underlay_channel()
        with pytest.raises(ChannelNotFoundEntity, match="no queue 'missing'"):
            await underlay.queue_bind("missing", "amq.topic", "a")

    async def test_nothing_is_bound_to_the_default_exchange(self, channel: AbstractChannel) -> None:
        await channel.declare_queue("queue")

        with pytest.raises(ChannelAccessRefused):
            await (await channel.get_underlay_channel()).queue_bind("queue", "", "a")

    async def test_exchanges_of_each_type_are_there_from_the_start(self, channel: AbstractChannel) -> None:
        for name in ("amq.direct", "amq.fanout", "amq.topic", "amq.headers"):
            await channel.declare_exchange(name, passive=True)

    async def test_an_exclusive_queue_belongs_to_its_connection(
        self, connection: AbstractConnection, another: AbstractConnection
    ) -> None:
        await (await connection.channel()).declare_queue("mine", exclusive=True)

        for passive in (True, False):
            with pytest.raises(ChannelLockedResource, match="RESOURCE_LOCKED"):
                await (await another.channel()).declare_queue("mine", passive=passive, exclusive=True)
        with pytest.raises(ChannelLockedResource):
            await (await another.channel()).queue_delete("mine")

    async def test_an_exclusive_queue_ends_with_its_connection(self, url: str, connection: AbstractConnection) -> None:
        other = await aio_pika.connect(url)
        await (await other.channel()).declare_queue("mine", exclusive=True)
        await other.close()

        await self.eventually_gone(connection, "mine")

    async def test_an_auto_delete_queue_ends_with_its_last_consumer(self, connection: AbstractConnection) -> None:
        channel = await connection.channel()
        queue = await channel.declare_queue("queue", auto_delete=True)
        tags = [await queue.consume(Inbox()) for _ in range(2)]
        await queue.cancel(tags[0])
        await channel.declare_queue("queue", passive=True)
        await queue.cancel(tags[1])

        await self.eventually_gone(connection, "queue")

    async def test_an_auto_delete_exchange_ends_with_its_last_binding(self, connection: AbstractConnection) -> None:
        channel = await connection.channel()
        exchange = await channel.declare_exchange("books", ExchangeType.TOPIC, auto_delete=True)
        queues = [await channel.declare_queue(name) for name in ("one", "other")]
        for queue in queues:
            await queue.bind(exchange, "a")
        await queues[0].unbind(exchange, "a")
        await channel.declare_exchange("books", passive=True)
        await channel.queue_delete("other")

        with pytest.raises(ChannelNotFoundEntity):
            await channel.declare_exchange("books", passive=True)

    async def test_a_queue_ends_when_nobody_used_it_for_its_time(self, connection: AbstractConnection) -> None:
        await (await connection.channel()).declare_queue("queue", arguments={"x-expires": 50})
        await asyncio.sleep(0.1)

        await self.eventually_gone(connection, "queue")

    async def test_a_deleted_queue_is_empty_when_it_is_made_again(self, channel: AbstractChannel) -> None:
        exchange = await channel.declare_exchange("books", ExchangeType.DIRECT)
        queue = await channel.declare_queue("queue")
        await queue.bind(exchange, "a")
        await publish(channel, "queue", "a")
        await queue.delete(if_unused=False, if_empty=False)
        queue = await channel.declare_queue("queue")
        await exchange.publish(Message(b"a"), routing_key="a", mandatory=False)

        assert await take_all(queue) == []

    async def test_a_queue_can_be_deleted_only_when_unused_or_empty(self, connection: AbstractConnection) -> None:
        channel = await connection.channel()
        queue = await channel.declare_queue("queue")
        await publish(channel, "queue", "a")

        with pytest.raises(ChannelPreconditionFailed, match="empty"):
            await channel.queue_delete("queue", if_empty=True)
        channel = await connection.channel()
        queue = await channel.declare_queue("queue")
        await queue.consume(Inbox(), no_ack=True)
        with pytest.raises(ChannelPreconditionFailed, match="in use"):
            await channel.queue_delete("queue", if_unused=True)

    async def test_an_exchange_can_be_deleted_only_when_unused(self, connection: AbstractConnection) -> None:
        channel = await connection.channel()
        await channel.declare_exchange("books", ExchangeType.TOPIC)
        await (await channel.declare_queue("queue")).bind("books", "a")

        with pytest.raises(ChannelPreconditionFailed, match="in use"):
            await channel.exchange_delete("books", if_unused=True)
        channel = await connection.channel()
        await channel.exchange_delete("books")
        with pytest.raises(ChannelNotFoundEntity):
            await channel.declare_exchange("books", passive=True)

    async def test_deleting_what_is_not_there_is_no_mistake(self, channel: AbstractChannel) -> None:
        await channel.queue_delete("missing")
        await channel.exchange_delete("missing")

        await channel.declare_queue("queue")

    async def test_purging_removes_what_waits(self, channel: AbstractChannel) -> None:
        queue = await channel.declare_queue("queue")
        await publish(channel, "queue", "a", "b")
        held = await queue.get()
        assert held is not None

        purged = await queue.purge()

        await held.nack(requeue=True)
        assert purged.message_count == 1
        assert await take_all(queue) == ["a"]

    async def eventually_gone(self, connection: AbstractConnection, name: str) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            channel = await connection.channel()
            try:
                await channel.declare_queue(name, passive=True)
            except ChannelNotFoundEntity:
                return
            await channel.close()
            await asyncio.sleep(0.02)
        pytest.fail(f"the queue is still there after {DEADLINE_SECONDS:g} s")
