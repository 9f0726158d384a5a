"""No message ends a listener, holds it up, or goes round in circles: each is handled, or parked as a dead letter."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count as counting
from typing import Final

import pytest
from hypothesis import strategies as st

from fastapi_factory_utilities.core.plugins.aiopika import (
    BrokerConnection,
    RetryPolicy,
    depends_aiopika_robust_connection,
)
from fastapi_factory_utilities.core.plugins.aiopika.dead_letters import DeadLetters
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryConfig, OpenTelemetryPlugin
from fastapi_factory_utilities.testing.running import lifespan
from fastapi_factory_utilities.testing.telemetry import SpanCapture
from tests.integration.fuzz.amqp_messages import HostileMessage, deep_header, hostile_messages, order
from tests.integration.fuzz.raw_amqp import RawPublisher, properties, table
from tests.integration.fuzz.sizes import TOLERANT, fuzzing
from tests.integration.fuzz.throwing import throw
from tests.integration.rabbitmq.consuming import QUEUE, OrderMessage, Recorder, make_app, until

pytestmark = TOLERANT

ODD: Final = 7  # a handler has something against these
TWICE: Final = RetryPolicy(attempts=2, first_delay_seconds=0.05)
GOOD: Final = properties({"content_type": b"application/json", "message_id": b"good"})


def with_header(name: bytes, value: bytes) -> HostileMessage:
    return HostileMessage(properties({"headers": table([(name, value)])}), b"no order")


def long_string(content: bytes) -> bytes:
    return b"S" + struct.pack(">I", len(content)) + content


KNOWN: Final = {
    "a string that is not UTF-8": HostileMessage(properties({"content_type": b"\xff\xfe"}), order(1)),
    "a time in nanoseconds": HostileMessage(properties({"timestamp": 1_700_000_000_000_000_000}), order(1)),
    "a header's name that is not UTF-8": with_header(b"\xff", b"V"),
    "a header that is not UTF-8": with_header(b"a", long_string(b"\xff")),
    "a header of more than a float": with_header(b"a", b"d" + struct.pack(">d", 1e300)),
    "a header with a time beyond all calendars": with_header(b"a", b"T" + struct.pack(">Q", 2**64 - 1)),
    "a header of many levels": with_header(b"a", deep_header(3000)),
    "headers that leave no room for another": with_header(b"a", long_string(b"x" * 130_500)),
    "an attempt beyond counting": with_header(b"x-attempt", b"l" + struct.pack(">q", 2**63 - 1)),
    "an origin that is none": with_header(b"x-original-exchange", b"V"),
}


class Victim:
    """A running service with a listener, and what becomes of what it gets."""

    def __init__(self, publisher_uri: str, listener: Recorder, connection: BrokerConnection) -> None:
        self._uri = publisher_uri
        self._listener = listener
        self._letters = DeadLetters(QUEUE, connection)
        self._stack = AsyncExitStack()
        self._publisher: RawPublisher | None = None
        self._taken = 0
        self._good = counting(1_000_000)

    async def survives(self, messages: list[HostileMessage]) -> None:
        """Send messages, and a good one behind them; all of them must come to an end."""
        for message in messages:
            self._taken += await self._published(message.properties, message.body)
        good = next(self._good)
        assert await self._published(GOOD, order(good))
        self._taken += 1
        await until(lambda: good in self._listener.handled)
        deadline = asyncio.get_running_loop().time() + 15
        while len(self._listener.handled) + (dead := await self._letters.count()) < self._taken:
            assert asyncio.get_running_loop().time() < deadline, (self._taken, len(self._listener.handled), dead)
            await asyncio.sleep(0.02)
        assert len(self._listener.handled) + dead == self._taken

    async def _published(self, listed: bytes, body: bytes) -> bool:
        """Whether the broker has taken it: one that it refuses, with the connection, never comes to us."""
        if self._publisher is None:
            self._publisher = await self._stack.enter_async_context(RawPublisher.connected(self._uri))
        if await self._publisher.publish(QUEUE.name, body, listed):
            return True
        await self.hang_up()
        return False

    async def hang_up(self) -> None:
        self._publisher = None
        await self._stack.aclose()


def refuse_some(message: OrderMessage) -> None:
    if message.data.number == ODD:
        raise ConnectionError("somebody is away")


@asynccontextmanager
async def attacked(uri: str) -> AsyncIterator[Victim]:
    listener = Recorder(QUEUE, does=refuse_some, retry=TWICE, prefetch=5, concurrency=3)
    app = make_app(
        uri, [listener], plugins=[OpenTelemetryPlugin(OpenTelemetryConfig(exporter="none"), sinks=[SpanCapture()])]
    )
    async with lifespan(app):
        connection = depends_aiopika_robust_connection.of(app.get_asgi_app())
        await connection.ready()
        victim = Victim(uri, listener, connection)
        try:
            yield victim
        finally:
            await victim.hang_up()


# The two ways in which the driver's reader ends; after the first, messages are read with care.
@pytest.mark.parametrize("known", ["a string that is not UTF-8", "a header of many levels"])
async def test_what_the_driver_cannot_read_does_not_hold_up_what_is_behind_it(rabbitmq_uri: str, known: str) -> None:
    async with attacked(rabbitmq_uri) as victim:
        await victim.survives([KNOWN[known]] * 6)  # more than it is handed at once


async def test_no_message_holds_up_those_behind_it(rabbitmq_uri: str) -> None:
    async with attacked(rabbitmq_uri) as victim:
        batches = st.lists(hostile_messages, min_size=1, max_size=20)
        await throw(batches, victim.survives, fuzzing(0.25), *([message] * 6 for message in KNOWN.values()))
