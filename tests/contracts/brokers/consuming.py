"""How messages are handed out."""

import asyncio

import pytest
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq import Channel
from aiormq.exceptions import ChannelAccessRefused

from tests.contracts.brokers.bench import BrokerBench, Inbox, eventually, publish, take, take_all

__all__ = ["Consuming"]

NUMBERS = [str(number) for number in range(10)]


class Consuming(BrokerBench):
    async def test_messages_come_in_the_order_they_were_published(self, channel: AbstractChannel) -> None:
        queue = await channel.declare_queue("queue")
        await publish(channel, "queue", *NUMBERS[:5])
        inbox = Inbox()
        await queue.consume(inbox, no_ack=True)
        await publish(channel, "queue", *NUMBERS[5:])

        await inbox.has(10)

        assert inbox.bodies == NUMBERS

    async def test_a_consumer_holds_no_more_than_its_prefetch_count(self, channel: AbstractChannel) -> None:
        queue = await channel.declare_queue("queue")
        await channel.set_qos(prefetch_count=3)
        inbox = Inbox()
        await queue.consume(inbox)
        await publish(channel, "queue", *NUMBERS)

        await inbox.has(3)
        assert (await channel.declare_queue("queue", passive=True)).declaration_result.message_count == 7
        await inbox.messages[1].ack()
        await inbox.has(4)

        assert (await channel.declare_queue("queue", passive=True)).declaration_result.message_count == 6
        assert inbox.bodies == NUMBERS[:4]

    async def test_a_prefetch_count_for_the_channel_is_shared_by_its_consumers(self, channel: AbstractChannel) -> None:
        queues = [await channel.declare_queue(name) for name in ("one", "other")]
        await channel.set_qos(prefetch_count=3, global_=True)
        inbox = Inbox()
        for queue in queues:
            await queue.consume(inbox)
        for queue in queues:
            await publish(channel, queue.name, *NUMBERS[:3])

        await inbox.has(3)
        left = [await channel.declare_queue(queue.name, passive=True) for queue in queues]
        assert sum(queue.declaration_result.message_count or 0 for queue in left) == 3
        for number in range(3):
            await inbox.messages[number].ack()
        await inbox.has(6)

    async def test_a_consumer_that_acknowledges_nothing_has_no_limit(self, channel: AbstractChannel) -> None:
        queue = await channel.declare_queue("queue")
        await channel.set_qos(prefetch_count=1)
        inbox = Inbox()
        await queue.consume(inbox, no_ack=True)
        await publish(channel, "queue", *NUMBERS)

        await inbox.has(10)

    async def test_consumers_of_one_queue_take_turns(
        self, connection: AbstractConnection, another: AbstractConnection
    ) -> None:
        inboxes = [Inbox(), Inbox()]
        channels = [await connection.channel(), await another.channel()]
        for channel, inbox in zip(channels, inboxes, strict=True):
            await (await channel.declare_queue("queue")).consume(inbox, no_ack=True)
        await publish(channels[0], "queue", *NUMBERS)

        for inbox in inboxes:
            await inbox.has(5)

        assert sorted(inboxes[0].bodies + inboxes[1].bodies) == NUMBERS

    async def test_a_busy_consumer_does_not_hold_up_the_other(self, connection: AbstractConnection) -> None:
        inboxes = [Inbox(), Inbox()]
        channels = [await connection.channel(), await connection.channel()]
        for channel, inbox in zip(channels, inboxes, strict=True):
            await channel.set_qos(prefetch_count=1)
            await (await channel.declare_queue("queue")).consume(inbox)
        await publish(channels[0], "queue", "a", "b", "c")

        for inbox in inboxes:
            await inbox.has(1)
        await inboxes[1].messages[0].ack()
        await inboxes[1].has(2)

        assert len(inboxes[0].messages) == 1

    async def test_an_exclusive_consumer_is_the_only_one(
        self, connection: AbstractConnection, another: AbstractConnection
    ) -> None:
        queue = await (await connection.channel()).declare_queue("queue")
        tag = await queue.consume(Inbox(), exclusive=True)

        with pytest.raises(ChannelAccessRefused, match="in exclusive use"):
            await (await (await another.channel()).declare_queue("queue")).consume(Inbox())
        await queue.cancel(tag)
        await (await (await another.channel()).declare_queue("queue")).consume(Inbox())
        with pytest.raises(ChannelAccessRefused, match="in exclusive use"):
            await queue.consume(Inbox(), exclusive=True)

    async def test_a_cancelled_consumer_gets_nothing_more_and_can_still_settle(self, channel: AbstractChannel) -> None:
        queue = await channel.declare_queue("queue")
        inbox = Inbox()
        tag = await queue.consume(inbox)
        await publish(channel, "queue", "a")
        await inbox.has(1)
        await queue.cancel(tag)
        await publish(channel, "queue", "b")
        await inbox.messages[0].reject(requeue=True)

        assert [(await take(queue)).body for _ in range(2)] == [b"a", b"b"]
        assert inbox.bodies == ["a"]

    async def test_a_consumer_learns_that_its_queue_was_deleted(
        self, connection: AbstractConnection, another: AbstractConnection
    ) -> None:
        channel = await connection.channel()
        queue = await channel.declare_queue("queue")
        await queue.consume(Inbox())
        underlay = await channel.get_underlay_channel()
        assert isinstance(underlay, Channel)
        consumers = underlay.consumers
        assert len(consumers) == 1

        await (await another.channel()).queue_delete("queue")

        await eventually(lambda: not consumers, "the consumer was cancelled")

    async def test_a_single_active_consumer_gets_everything_until_it_goes(self, connection: AbstractConnection) -> None:
        inboxes = [Inbox(), Inbox()]
        channel = await connection.channel()
        queue = await channel.declare_queue("queue", arguments={"x-single-active-consumer": True})
        tags = [await queue.consume(inbox, no_ack=True) for inbox in inboxes]
        await publish(channel, "queue", "a", "b")
        await inboxes[0].has(2)
        await queue.cancel(tags[0])
        await publish(channel, "queue", "c")
        await inboxes[1].has(1)

        assert [inbox.bodies for inbox in inboxes] == [["a", "b"], ["c"]]

    async def test_a_consumer_of_higher_priority_comes_first(self, channel: AbstractChannel) -> None:
        await channel.set_qos(prefetch_count=2)
        queue = await channel.declare_queue("queue")
        low, high = Inbox(), Inbox()
        await queue.consume(low)
        await queue.consume(high, arguments={"x-priority": 10})

        await publish(channel, "queue", "a", "b", "c")
        await high.has(2)
        await low.has(1)

        assert (high.bodies, low.bodies) == (["a", "b"], ["c"])

    async def test_messages_of_higher_priority_come_first(self, channel: AbstractChannel) -> None:
        queue = await channel.declare_queue("queue", arguments={"x-max-priority": 5})
        for priority in (None, 1, 5, 3, 9, 5):
            await publish(channel, "queue", str(priority), priority=priority)

        assert await take_all(queue) == ["5", "9", "5", "3", "1", "None"]

    async def test_getting_tells_how_many_are_left(self, channel: AbstractChannel) -> None:
        queue = await channel.declare_queue("queue")
        await publish(channel, "queue", "a", "b", "c")

        message = await queue.get()

        assert message is not None
        assert (message.message_count, message.body, message.delivery_tag) == (2, b"a", 1)

    async def test_many_messages_go_through(self, connection: AbstractConnection) -> None:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=50)
        queue = await channel.declare_queue("queue")
        inbox = Inbox()

        async def settle() -> None:
            done = 0
            while done < 500:
                await inbox.has(done + 1)
                await inbox.messages[done].ack()
                done += 1

        await queue.consume(inbox)
        settling = asyncio.create_task(settle())
        await asyncio.gather(*(publish(channel, "queue", str(number)) for number in range(500)))
        await settling

        assert sorted(map(int, inbox.bodies)) == list(range(500))
