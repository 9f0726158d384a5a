"""Connections: opened, closed for a reason, and of no concern to each other."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import pytest
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError
from aiormq import Channel

from tests.contracts.brokers.bench import DEADLINE_SECONDS, BrokerBench, Inbox

__all__ = ["Connecting"]

HELLO = b"AMQP\x00\x00\x09\x01"
GARBAGE = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"AMQP\x00\x01\x00\x00",  # another version
    HELLO + bytes(range(256)) * 4,
    HELLO + b"\x01\x00\x00\xff\xff\xff\xff" + b"x" * 64,  # a frame that is too large
    HELLO + b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x0bX" + bytes(16),  # a frame without its end
    HELLO + b"\x01\x00\x01\x00\x00\x00\x05\x00\x14\x00\x0a\x00\xce",  # a channel before its time
]


class Connecting(BrokerBench):
    async def test_a_virtual_host_that_is_not_there_is_told(self, url: str) -> None:
        elsewhere = urlunsplit(urlsplit(url)._replace(path="/nowhere"))

        with pytest.raises(AMQPError):  # aiormq does not say what the broker said
            await aio_pika.connect(elsewhere)

    async def test_an_exchange_type_that_nobody_knows_closes_the_connection(self, url: str) -> None:
        connection = await aio_pika.connect(url)
        channel = await (await connection.channel()).get_underlay_channel()

        with pytest.raises(AMQPError, match=r"COMMAND_INVALID - (unknown|invalid) exchange type 'magic'"):
            await channel.exchange_declare("books", exchange_type="magic")
        await connection.close()

    async def test_a_consumer_tag_that_is_used_again_closes_the_connection(self, url: str) -> None:
        connection = await aio_pika.connect(url)
        channel = await connection.channel()
        queue = await channel.declare_queue("queue")
        await queue.consume(Inbox(), consumer_tag="tag")
        underlay = await channel.get_underlay_channel()
        assert isinstance(underlay, Channel)
        underlay.consumers.clear()  # aiormq would not let us

        with pytest.raises(AMQPError, match="NOT_ALLOWED - attempt to reuse consumer tag 'tag'"):
            await underlay.basic_consume("queue", Inbox(), consumer_tag="tag")  # type: ignore[arg-type]  # never called
        await connection.close()

    async def test_channels_of_one_connection_are_of_no_concern_to_each_other(
        self, connection: AbstractConnection
    ) -> None:
        channels = [await connection.channel() for _ in range(20)]
        await channels[7].close()
        names = [f"queue-{number}" for number in range(20) if number != 7]

        declared = await asyncio.gather(
            *(
                channel.declare_queue(name)
                for channel, name in zip([c for c in channels if c is not channels[7]], names, strict=True)
            )
        )

        assert [queue.name for queue in declared] == names

    async def test_garbage_ends_its_own_connection_only(self, url: str, connection: AbstractConnection) -> None:
        parts = urlsplit(url)

        async def send(garbage: bytes) -> None:
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(garbage)
            with suppress(ConnectionResetError):
                while await reader.read(65536):
                    pass
            writer.close()

        async with asyncio.timeout(DEADLINE_SECONDS * 3):  # RabbitMQ waits a while before it hangs up
            await asyncio.gather(*map(send, GARBAGE))
        await (await connection.channel()).declare_queue("queue")
