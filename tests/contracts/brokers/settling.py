"""What becomes of a message that was delivered."""

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import ChannelPreconditionFailed

from tests.contracts.brokers.bench import BrokerBench, Inbox, body_of, eventually, publish, take, take_all

__all__ = ["Settling"]


class Settling(BrokerBench):
    async def test_an_acknowledged_message_is_gone(self, connection: AbstractConnection) -> None:
        channel = await connection.channel()
        queue = await channel.declare_queue("queue")
        await publish(channel, "queue", "a", "b")
        await (await take(queue, no_ack=False)).ack()
        await channel.close()

        queue = await (await connection.channel()).declare_queue("queue")
        assert (queue.declaration_result.message_count, body_of(await take(queue))) == (1, "b")

    async def test_what_was_not_settled_comes_back_in_its_place_when_the_channel_closes(
        self, connection: AbstractConnection
    ) -> None:
        channel = await connection.channel()
        queue = await channel.declare_queue("queue")
        await publish(channel, "queue", "a", "b", "c", "d")
        taken = [await take(queue, no_ack=False) for _ in range(3)]
        await taken[1].ack()
        await channel.close()

        queue = await (await connection.channel()).declare_queue("queue")
        again = [await take(queue) for _ in range(3)]
        assert [(body_of(message), message.redelivered) for message in again] == [
            ("a", True),
            ("c", True),
            ("d", False),
        ]

    async def test_what_was_not_settled_comes_back_when_the_connection_closes(
        self, url: str, connection: AbstractConnection
    ) -> None:
        other = await aio_pika.connect(url)
        theirs = await other.channel()
        queue = await theirs.declare_queue("queue")
        inbox = Inbox()
        await queue.consume(inbox)
        await publish(theirs, "queue", "a", "b")
        await inbox.has(2)
        await other.close()

        queue = await (await connection.channel()).declare_queue("queue")
        assert [body_of(await take(queue)) for _ in range(2)] == ["a", "b"]

    async def test_a_message_given_back_is_the_next_one_again(self, channel: AbstractChannel) -> None:
        queue = await channel.declare_queue("queue")
        await publish(channel, "queue", "a", "b", "c")
        first, second = [await take(queue, no_ack=False) for _ in range(2)]

        await second.nack(requeue=True)
        await first.reject(requeue=True)

        again = [await take(queue) for _ in range(3)]
        assert [(body_of(message), message.redelivered) for message in again] == [
            ("a", True),
            ("b", True),
            ("c", False),
        ]

    async def test_a_message_given_back_is_delivered_again(self, channel: AbstractChannel) -> None:
        queue = await channel.declare_queue("queue")
        inbox = Inbox()
        await queue.consume(inbox)
        await publish(channel, "queue", "a")
        await inbox.has(1)
        await inbox.messages[0].nack(requeue=True)
        await inbox.has(2)

        assert [message.redelivered for message in inbox.messages] == [False, True]
        assert [message.delivery_tag for message in inbox.messages] == [1, 2]

    async def test_acknowledging_many_concerns_all_before(self, channel: AbstractChannel) -> None:
        queue = await channel.declare_queue("queue")
        await publish(channel, "queue", "a", "b", "c")
        taken = [await take(queue, no_ack=False) for _ in range(3)]

        await taken[1].ack(multiple=True)
        await taken[2].nack(multiple=True, requeue=True)

        await eventually_waiting(channel, 1)
        assert await take_all(queue) == ["c"]

    async def test_refusing_many_puts_all_of_them_back(self, channel: AbstractChannel) -> None:
        queue = await channel.declare_queue("queue")
        await publish(channel, "queue", "a", "b", "c")
        taken = [await take(queue, no_ack=False) for _ in range(3)]

        await taken[1].nack(multiple=True, requeue=True)

        await eventually_waiting(channel, 2)
        assert await take_all(queue) == ["a", "b"]

    async def test_settling_what_is_not_held_closes_the_channel(self, connection: AbstractConnection) -> None:
        channel = await connection.channel()
        queue = await channel.declare_queue("queue")
        underlay = await channel.get_underlay_channel()

        await underlay.basic_ack(99)

        with pytest.raises(ChannelPreconditionFailed, match="PRECONDITION_FAILED - unknown delivery tag 99"):
            await eventually_closed(queue)

    async def test_recovering_puts_everything_back(self, channel: AbstractChannel) -> None:
        queue = await channel.declare_queue("queue")
        await publish(channel, "queue", "a", "b")
        for _ in range(2):
            await take(queue, no_ack=False)

        await (await channel.get_underlay_channel()).basic_recover(requeue=True)

        again = [await take(queue) for _ in range(2)]
        assert [(body_of(message), message.redelivered) for message in again] == [("a", True), ("b", True)]

    async def test_a_quorum_queue_counts_deliveries_and_gives_up_at_its_limit(self, channel: AbstractChannel) -> None:
        dead = await channel.declare_queue("dead")
        queue = await channel.declare_queue(
            "queue",
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-delivery-limit": 2,
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": "dead",
            },
        )
        await publish(channel, "queue", "a")

        await (await take(queue, no_ack=False)).nack(requeue=True)
        inbox = Inbox()
        await queue.consume(inbox)
        for number in range(2):
            await inbox.has(number + 1)
            await inbox.messages[number].nack(requeue=True)

        buried = await take(dead)
        seen = [(message.redelivered, message.headers["x-delivery-count"]) for message in inbox.messages]
        assert seen == [(True, 1), (True, 2)]
        deaths = buried.headers["x-death"]
        assert isinstance(deaths, list)
        assert [(death["reason"], death["queue"], death["count"]) for death in deaths] == [  # type: ignore[index,call-overload]  # a table
            ("delivery_limit", "queue", 1)
        ]


async def eventually_waiting(channel: AbstractChannel, count: int) -> None:
    waiting: list[int | None] = [None]
    for _ in range(500):
        waiting[0] = (await channel.declare_queue("queue", passive=True)).declaration_result.message_count
        if waiting[0] == count:
            return
    await eventually(lambda: waiting[0] == count, f"{count} messages wait")


async def eventually_closed(queue: aio_pika.abc.AbstractQueue) -> None:
    for _ in range(500):
        await queue.get(fail=False)
