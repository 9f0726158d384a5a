"""What becomes of a message that nobody wants, that is too old or that is too much."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from aio_pika import ExchangeType, Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from tests.contracts.brokers.bench import DEADLINE_SECONDS, BrokerBench, Inbox, body_of, publish, take, take_all

__all__ = ["DeadLettering"]

TO_DEAD: dict[str, Any] = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}


def deaths_of(message: AbstractIncomingMessage) -> list[dict[str, Any]]:
    deaths: Any = message.headers["x-death"]
    return list(deaths)


class DeadLettering(BrokerBench):
    async def test_a_rejected_message_is_dead_lettered_with_its_history(self, channel: AbstractChannel) -> None:
        exchange = await channel.declare_exchange("books", ExchangeType.TOPIC)
        dead = await channel.declare_queue("dead")
        queue = await channel.declare_queue("queue", arguments=TO_DEAD)
        await queue.bind(exchange, "#")
        await exchange.publish(Message(b"a", headers={"mine": 1}, message_id="m"), routing_key="book.created")

        await (await take(queue, no_ack=False)).reject(requeue=False)

        buried = await take(dead)
        (death,) = deaths_of(buried)
        assert abs(death.pop("time") - datetime.now(UTC)) < timedelta(seconds=10)
        assert death == {
            "count": 1,
            "reason": "rejected",
            "queue": "queue",
            "exchange": "books",
            "routing-keys": ["book.created"],
        }
        assert {name: value for name, value in buried.headers.items() if name != "x-death"} == {
            "mine": 1,
            "x-first-death-reason": "rejected",
            "x-first-death-queue": "queue",
            "x-first-death-exchange": "books",
        }
        assert (buried.body, buried.message_id) == (b"a", "m")
        assert (buried.exchange, buried.routing_key, buried.redelivered) == ("", "dead", False)

    async def test_a_dead_letter_keeps_its_routing_key_unless_the_queue_has_another(
        self, channel: AbstractChannel
    ) -> None:
        graveyard = await channel.declare_exchange("graveyard", ExchangeType.DIRECT)
        dead = await channel.declare_queue("dead")
        await dead.bind(graveyard, "queue")
        queue = await channel.declare_queue("queue", arguments={"x-dead-letter-exchange": "graveyard"})
        await publish(channel, "queue", "a")

        await (await take(queue, no_ack=False)).nack(requeue=False)

        buried = await take(dead)
        assert (buried.exchange, buried.routing_key) == ("graveyard", "queue")

    async def test_a_message_expires_after_its_own_time(self, channel: AbstractChannel) -> None:
        dead = await channel.declare_queue("dead")
        await channel.declare_queue("queue", arguments=TO_DEAD)

        await publish(channel, "queue", "a", expiration=0.05)

        buried = await take(dead)
        (death,) = deaths_of(buried)
        assert (death["reason"], death["original-expiration"]) == ("expired", "50")
        assert buried.expiration is None

    async def test_a_message_expires_after_the_time_of_its_queue(self, channel: AbstractChannel) -> None:
        dead = await channel.declare_queue("dead")
        await channel.declare_queue("queue", arguments={**TO_DEAD, "x-message-ttl": 50})

        await publish(channel, "queue", "a", "b", expiration=60)

        assert [body_of(await take(dead)) for _ in range(2)] == ["a", "b"]

    async def test_a_message_without_time_goes_to_whoever_waits_for_it(self, channel: AbstractChannel) -> None:
        queue = await channel.declare_queue("queue", arguments={"x-message-ttl": 0})
        await publish(channel, "queue", "nobody waits")
        inbox = Inbox()
        await queue.consume(inbox, no_ack=True)
        await publish(channel, "queue", "a")

        await inbox.has(1)

        assert inbox.bodies == ["a"]

    async def test_a_message_behind_one_that_lives_longer_waits(self, channel: AbstractChannel) -> None:
        dead = await channel.declare_queue("dead")
        queue = await channel.declare_queue("queue", arguments=TO_DEAD)
        await publish(channel, "queue", "long", expiration=60)
        await publish(channel, "queue", "short", expiration=0.02)
        await asyncio.sleep(0.1)
        assert await take_all(dead) == []

        assert body_of(await take(queue)) == "long"

        assert body_of(await take(dead)) == "short"

    async def test_a_delivered_message_does_not_expire(self, channel: AbstractChannel) -> None:
        dead = await channel.declare_queue("dead")
        queue = await channel.declare_queue("queue", arguments=TO_DEAD)
        await publish(channel, "queue", "a", expiration=0.5)
        held = await take(queue, no_ack=False)
        await asyncio.sleep(0.6)
        assert await take_all(dead) == []

        await held.nack(requeue=True)

        assert deaths_of(await take(dead))[0]["reason"] == "expired"

    async def test_a_full_queue_drops_its_oldest(self, channel: AbstractChannel) -> None:
        dead = await channel.declare_queue("dead")
        queue = await channel.declare_queue("queue", arguments={**TO_DEAD, "x-max-length": 2})

        await publish(channel, "queue", "a", "b", "c")

        buried = await take(dead)
        assert (body_of(buried), deaths_of(buried)[0]["reason"]) == ("a", "maxlen")
        assert await take_all(queue) == ["b", "c"]

    async def test_a_queue_can_be_full_of_bytes(self, channel: AbstractChannel) -> None:
        queue = await channel.declare_queue("queue", arguments={"x-max-length-bytes": 5})

        await publish(channel, "queue", "aaa", "bb", "c")

        assert await take_all(queue) == ["bb", "c"]

    async def test_what_a_full_queue_rejects_can_be_dead_lettered(self, channel: AbstractChannel) -> None:
        dead = await channel.declare_queue("dead")
        await channel.declare_queue(
            "queue", arguments={**TO_DEAD, "x-max-length": 1, "x-overflow": "reject-publish-dlx"}
        )
        await publish(channel, "queue", "a")

        published = await asyncio.gather(publish(channel, "queue", "b"), return_exceptions=True)

        assert isinstance(published[0], Exception)
        buried = await take(dead)
        assert (body_of(buried), deaths_of(buried)[0]["reason"]) == ("b", "maxlen")

    async def test_without_a_dead_letter_exchange_a_message_is_gone(self, channel: AbstractChannel) -> None:
        nowhere = await channel.declare_queue("nowhere", arguments={"x-dead-letter-exchange": "is not there"})
        queue = await channel.declare_queue("queue")
        for name in ("queue", "nowhere"):
            await publish(channel, name, "a", "b")

        for each in (queue, nowhere):
            await (await take(each, no_ack=False)).reject(requeue=False)

        assert [await take_all(queue), await take_all(nowhere)] == [["b"], ["b"]]

    async def test_a_message_that_dies_again_counts(self, channel: AbstractChannel) -> None:
        """The way of a delayed retry: rejected, parked until its time is over, and back."""
        await channel.declare_queue(
            "parking",
            arguments={"x-message-ttl": 20, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "queue"},
        )
        queue = await channel.declare_queue(
            "queue", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "parking"}
        )
        await publish(channel, "queue", "a", headers={"x-mine": "kept"})

        for _ in range(3):
            await (await take(queue, no_ack=False)).reject(requeue=False)
        message = await take(queue)

        history = [(death["queue"], death["reason"], death["count"]) for death in deaths_of(message)]
        assert history == [("parking", "expired", 3), ("queue", "rejected", 3)]
        assert message.headers["x-first-death-queue"] == "queue"
        assert message.headers["x-mine"] == "kept"
        assert message.routing_key == "queue"

    async def test_a_message_that_goes_round_by_itself_is_dropped(self, channel: AbstractChannel) -> None:
        await channel.declare_queue(
            "round", arguments={"x-message-ttl": 10, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "round"}
        )
        await publish(channel, "round", "a")

        async with asyncio.timeout(DEADLINE_SECONDS):
            while await waiting(channel, "round"):
                await asyncio.sleep(0.02)

    async def test_cc_is_replaced_by_a_dead_letter_routing_key(self, channel: AbstractChannel) -> None:
        dead = await channel.declare_queue("dead")
        queue = await channel.declare_queue("queue", arguments=TO_DEAD)
        await publish(channel, "queue", "a", headers={"CC": ["more"]})

        await (await take(queue, no_ack=False)).reject(requeue=False)

        buried = await take(dead)
        assert "CC" not in buried.headers
        assert deaths_of(buried)[0]["routing-keys"] == ["queue", "more"]


async def waiting(channel: AbstractChannel, name: str) -> int:
    return (await channel.declare_queue(name, passive=True)).declaration_result.message_count or 0
