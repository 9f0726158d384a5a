"""What a publisher is told, and how messages come out as they went in."""

from datetime import UTC, datetime
from typing import Any

import pytest
from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import ChannelAccessRefused, ChannelNotFoundEntity, DeliveryError, PublishError
from pamqp.commands import Basic

from tests.contracts.brokers.bench import BrokerBench, publish, take, take_all

__all__ = ["Publishing"]

HEADERS: dict[str, Any] = {
    "text": "é€",
    "empty": "",
    "bytes": bytearray(b"\xff\x00"),
    "true": True,
    "numbers": [0, -1, 127, 128, 40_000, -40_000, 2**31, -(2**31), 2**40, -(2**40)],
    "float": 0.5,
    "none": None,
    "time": datetime(2026, 11, 23, 12, tzinfo=UTC),
    "nested": {"list": [1, "two", {"three": 3}], "empty": {}},
    "x-mine": 1,
}


class Publishing(BrokerBench):
    async def test_a_routed_message_is_confirmed(self, channel: AbstractChannel) -> None:
        await channel.declare_queue("queue")

        confirmed = await channel.default_exchange.publish(Message(b"a"), routing_key="queue")

        assert isinstance(confirmed, Basic.Ack)

    async def test_a_mandatory_message_without_a_queue_comes_back(self, connection: AbstractConnection) -> None:
        channel = await connection.channel(on_return_raises=True)
        message = Message(b"a", headers={"a": 1}, message_id="one")

        with pytest.raises(PublishError) as caught:
            await channel.default_exchange.publish(message, routing_key="nobody")

        returned, frame = caught.value.message, caught.value.frame
        assert isinstance(frame, Basic.Return)
        assert (frame.reply_code, frame.reply_text, frame.routing_key) == (312, "NO_ROUTE", "nobody")
        assert returned is not None
        assert returned.body == b"a"
        assert returned.header.properties.headers == {"a": 1}

    async def test_a_message_without_a_queue_is_confirmed_when_it_is_not_mandatory(
        self, channel: AbstractChannel
    ) -> None:
        confirmed = await channel.default_exchange.publish(Message(b"a"), routing_key="nobody", mandatory=False)

        assert isinstance(confirmed, Basic.Ack)

    async def test_publishing_to_no_exchange_closes_the_channel(self, connection: AbstractConnection) -> None:
        channel = await connection.channel()
        exchange = await channel.get_exchange("nowhere", ensure=False)

        with pytest.raises(ChannelNotFoundEntity, match="NOT_FOUND - no exchange 'nowhere'"):
            await exchange.publish(Message(b"a"), routing_key="a")
        other = await connection.channel()
        await other.declare_queue("queue")  # the connection lives

    async def test_publishing_to_an_internal_exchange_is_refused(self, channel: AbstractChannel) -> None:
        exchange = await channel.declare_exchange("inside", ExchangeType.FANOUT, internal=True)

        with pytest.raises((ChannelAccessRefused, ValueError)):
            await exchange.publish(Message(b"a"), routing_key="a")

    async def test_a_full_queue_that_rejects_tells_the_publisher(self, channel: AbstractChannel) -> None:
        queue = await channel.declare_queue("queue", arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
        await publish(channel, "queue", "a")

        with pytest.raises(DeliveryError):
            await publish(channel, "queue", "b")
        assert await take_all(queue) == ["a"]

    async def test_every_property_and_header_comes_out_as_it_went_in(self, channel: AbstractChannel) -> None:
        queue = await channel.declare_queue("queue")
        message = Message(
            b"a",
            headers=HEADERS,
            content_type="text/plain",
            content_encoding="utf-8",
            delivery_mode=DeliveryMode.PERSISTENT,
            priority=3,
            correlation_id="correlation",
            reply_to="reply",
            expiration=60,
            message_id="message",
            timestamp=datetime(2026, 11, 23, 12, tzinfo=UTC),
            type="book.created",
            user_id="guest",
            app_id="app",
        )

        await channel.default_exchange.publish(message, routing_key="queue")

        taken = await take(queue)
        assert taken.headers == HEADERS
        for name in ("content_type", "correlation_id", "reply_to", "expiration", "message_id", "timestamp", "type"):
            assert getattr(taken, name) == getattr(message, name), name
        for name in ("content_encoding", "delivery_mode", "priority", "user_id", "app_id"):
            assert getattr(taken, name) == getattr(message, name), name
        assert (taken.exchange, taken.routing_key, taken.redelivered) == ("", "queue", False)

    @pytest.mark.parametrize("size", [0, 1, 131_064, 131_065, 400_000])
    async def test_a_body_of_any_size_comes_out_as_it_went_in(self, channel: AbstractChannel, size: int) -> None:
        queue = await channel.declare_queue("queue")
        body = bytes(number % 251 for number in range(size))

        await channel.default_exchange.publish(Message(body), routing_key="queue")

        assert (await take(queue)).body == body

    async def test_a_message_in_the_name_of_another_user_is_refused(self, connection: AbstractConnection) -> None:
        channel = await connection.channel()
        await channel.declare_queue("queue")

        with pytest.raises(Exception, match="PRECONDITION_FAILED - user_id property set to 'somebody'"):
            await publish(channel, "queue", "a", user_id="somebody")
