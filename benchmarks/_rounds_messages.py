"""One process of `bench_messages`: connects, measures every subject in turn, and prints the samples as JSON.

Every subject sends and reads the same messages, as models of pydantic: a service has no others.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, ClassVar
from uuid import uuid4

import aio_pika
import uvloop
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustChannel, AbstractRobustExchange
from fastapi import FastAPI
from pydantic import BaseModel, SecretStr, TypeAdapter

from benchmarks._harness import Report
from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.plugins import PluginAbstract
from fastapi_factory_utilities.core.plugins.aiopika import (
    AbstractListener,
    AbstractPublisher,
    AiopikaConfig,
    AiopikaPlugin,
    Exchange,
    GenericMessage,
    Queue,
    depends_aiopika_robust_connection,
    depends_publisher,
)
from fastapi_factory_utilities.core.plugins.aiopika.connection import BrokerConnection
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryConfig, OpenTelemetryPlugin
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.config import TracerConfig

__all__ = ["REPORTS"]

PREFETCH = 100
IN_FLIGHT = 100
AIO_PIKA = "aio-pika"
OURS = "ours"
TOLD = "ours, telemetry 10 %"
MANY = "ours, publish_many"
GOALS = {OURS: 1.05, TOLD: 1.15}
REPORTS: dict[str, dict[str, Any]] = {
    "one": {"title": "Publishing, one at a time", "unit": "us CPU a message", "goals": GOALS},
    "flight": {"title": f"Publishing, {IN_FLIGHT} in flight", "unit": "us CPU a message", "goals": GOALS},
    "rate": {"title": "Publishing, by the clock", "unit": "us a message", "goals": {MANY: 1 / 3}},
    "consume": {"title": "Consuming", "unit": "us CPU a message", "goals": GOALS},
}

type Subject = Callable[[int], Awaitable[None]]


class Book(BaseModel):
    """What is told."""

    id: str
    title: str
    price: float
    subjects: list[str]


class BookMessage(GenericMessage[Book]):
    """Carries it."""


class BookEvents(AbstractPublisher[BookMessage]):
    """Ours."""


class App(ApplicationAbstract[RootConfig]):
    """A service with nothing of its own."""


BOOK = Book(id="9780141439549", title="Middlemarch", price=9.99, subjects=["marriage", "reform", "medicine"])
ADAPTER = TypeAdapter(Book)


class Counter:
    """Counts what was handled."""

    def __init__(self) -> None:
        self._left = 0
        self._done = asyncio.Event()

    def expect(self, count: int) -> None:
        self._left = count
        self._done.clear()

    def count(self, book: Book) -> None:
        assert book.id
        self._left -= 1
        if not self._left:
            self._done.set()

    async def wait(self) -> None:
        await asyncio.wait_for(self._done.wait(), 60)


COUNTER = Counter()


class Books(AbstractListener[BookMessage]):
    """Ours."""

    prefetch: ClassVar[int | None] = PREFETCH

    async def on_message(self, message: BookMessage) -> None:
        COUNTER.count(message.data)


def bare_message() -> aio_pika.Message:
    return aio_pika.Message(
        ADAPTER.dump_json(BOOK),
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=uuid4().hex,
    )


class Bench:
    """Everything that is connected, and the subjects."""

    def __init__(self, url: str, collector: str) -> None:
        self._url = url
        self._collector = collector
        self._name = f"bench.{uuid4().hex}"
        self.exchange = Exchange(self._name, "direct")
        self.queue = Queue(self._name, self.exchange, "book")

    async def _start(self, stack: AsyncExitStack, *more: PluginAbstract[Any]) -> FastAPI:
        """Start a service of ours."""
        builder = ApplicationGenericBuilder(
            plugins=[
                *more,
                AiopikaPlugin(
                    publishers=[BookEvents(self.exchange)],
                    queues=[self.queue],
                    config=AiopikaConfig(amqp_url=SecretStr(self._url)),
                ),
            ],
            application_class=App,
        )
        application = {"service_namespace": "bench", "service_name": "bench", "description": "", "version": "0"}
        application["environment"] = "production"
        builder.add_config({"application": application, "logging": [{"name": "root", "level": "warning"}]})
        app = builder.build().get_asgi_app()
        await stack.enter_async_context(app.router.lifespan_context(app))
        await depends_aiopika_robust_connection.of(app).ready()
        return app

    async def open(self, stack: AsyncExitStack) -> None:
        app = await self._start(stack)
        self.ours: BookEvents = depends_publisher(BookEvents).of(app)
        self._connection = depends_aiopika_robust_connection.of(app)
        tenth = TracerConfig(sampling_ratio=0.1)
        telemetry = OpenTelemetryConfig(endpoint=self._collector, protocol="otlp_http", tracer_config=tenth)
        app = await self._start(stack, OpenTelemetryPlugin(telemetry))
        self.told: BookEvents = depends_publisher(BookEvents).of(app)
        self._told_connection = depends_aiopika_robust_connection.of(app)
        robust = await stack.enter_async_context(await aio_pika.connect_robust(self._url))
        channel = await robust.channel(publisher_confirms=True, on_return_raises=True)
        assert isinstance(channel, AbstractRobustChannel)
        self._channel = channel
        exchange = await channel.get_exchange(self._name, ensure=False)
        assert isinstance(exchange, AbstractRobustExchange)
        self.bare = exchange

    async def empty(self) -> None:
        await (await self._channel.get_queue(self._name, ensure=False)).purge()

    async def bare_one(self, count: int) -> None:
        for _ in range(count):
            await self.bare.publish(bare_message(), "book", mandatory=True)

    async def ours_one(self, count: int) -> None:
        for _ in range(count):
            await self.ours.publish(BookMessage(data=BOOK), "book")

    async def told_one(self, count: int) -> None:
        for _ in range(count):
            await self.told.publish(BookMessage(data=BOOK), "book")

    async def bare_flight(self, count: int) -> None:
        async def send(share: int) -> None:
            await self.bare_one(share)

        await asyncio.gather(*(send(count // IN_FLIGHT) for _ in range(IN_FLIGHT)))

    async def ours_flight(self, count: int) -> None:
        async def send(share: int) -> None:
            await self.ours_one(share)

        await asyncio.gather(*(send(count // IN_FLIGHT) for _ in range(IN_FLIGHT)))

    async def told_flight(self, count: int) -> None:
        async def send(share: int) -> None:
            await self.told_one(share)

        await asyncio.gather(*(send(count // IN_FLIGHT) for _ in range(IN_FLIGHT)))

    async def ours_many(self, count: int) -> None:
        await self.ours.publish_many([BookMessage(data=BOOK) for _ in range(count)], "book", timeout_seconds=60)

    async def bare_consume(self, count: int) -> None:
        channel = await self._connection.channel()
        try:
            await channel.set_qos(PREFETCH)
            queue = await channel.get_queue(self._name, ensure=False)

            async def handle(message: AbstractIncomingMessage) -> None:
                COUNTER.count(ADAPTER.validate_json(message.body))
                await message.ack()

            COUNTER.expect(count)
            tag = await queue.consume(handle)
            await COUNTER.wait()
            await queue.cancel(tag)
        finally:
            await channel.close()

    async def ours_consume(self, count: int) -> None:
        await self._listen(self._connection, count)

    async def told_consume(self, count: int) -> None:
        await self._listen(self._told_connection, count)

    async def _listen(self, connection: BrokerConnection, count: int) -> None:
        listener = Books(self.queue)
        listener.set_robust_connection(connection)
        COUNTER.expect(count)
        await listener.listen()
        await COUNTER.wait()
        await listener.close()


def main(url: str, collector: str, rounds: int, messages: int, slices: int) -> None:
    """Measure `rounds` rounds of `slices` slices of `messages` messages each."""
    loop = uvloop.new_event_loop()
    bench = Bench(url, collector)
    stack = AsyncExitStack()
    loop.run_until_complete(bench.open(stack))

    def measured(subject: Subject, clock: Callable[[], float], *, filled: bool = False) -> Callable[[], float]:
        async def slice_() -> float:
            if filled:
                await bench.ours_many(messages)
            began = clock()
            await subject(messages)
            spent = clock() - began
            if not filled:
                await bench.empty()
            return spent / messages * 1e6

        return lambda: loop.run_until_complete(slice_())

    cpu, wall = time.process_time, time.perf_counter
    subjects = {
        "one": {
            AIO_PIKA: measured(bench.bare_one, cpu),
            OURS: measured(bench.ours_one, cpu),
            TOLD: measured(bench.told_one, cpu),
        },
        "flight": {
            AIO_PIKA: measured(bench.bare_flight, cpu),
            OURS: measured(bench.ours_flight, cpu),
            TOLD: measured(bench.told_flight, cpu),
        },
        "rate": {
            OURS: measured(bench.ours_one, wall),
            AIO_PIKA: measured(bench.bare_one, wall),
            MANY: measured(bench.ours_many, wall),
        },
        "consume": {
            AIO_PIKA: measured(bench.bare_consume, cpu, filled=True),
            OURS: measured(bench.ours_consume, cpu, filled=True),
            TOLD: measured(bench.told_consume, cpu, filled=True),
        },
    }
    samples = {}
    for name, of_report in subjects.items():
        report = Report("", unit="", baseline=next(iter(of_report)))
        report.collect(of_report, rounds=rounds, slices=slices)
        samples[name] = report.samples
    loop.run_until_complete(stack.aclose())
    loop.close()
    print(json.dumps(samples))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *(int(argument) for argument in sys.argv[3:]))
