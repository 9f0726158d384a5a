"""Stopping with messages in flight: they finish, or are given back; none is lost."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from tests.integration.rabbitmq.consuming import (
    QUEUE,
    Order,
    OrderMessage,
    Recorder,
    count,
    running,
    until,
)
from tests.integration.serving.service import Service, write_sample

_YAML = """
application:
  service_namespace: tests
  service_name: sample
  description: A sample.
  version: 1.2.3
  environment: production
server:
  host: 127.0.0.1
  port: 0
  drain_seconds: 0.3
aiopika:
  amqp_url: ${AMQP_URL}
"""

_MODULE = """
import asyncio

from pydantic import BaseModel

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.aiopika import AiopikaPlugin, Exchange, GenericMessage, Queue
from fastapi_factory_utilities.core.plugins.aiopika.listening import listen

_log = get_logger(__name__)


class Order(BaseModel):
    number: int
    seconds: float


class OrderMessage(GenericMessage[Order]):
    pass


@listen(Queue("orders.ship", Exchange("orders"), "order.*"), prefetch=8, concurrency=4)
async def ship(message: OrderMessage) -> None:
    _log.info("begun", number=message.data.number)
    await asyncio.sleep(message.data.seconds)
    _log.info("shipped", number=message.data.number)


class App(ApplicationAbstract[RootConfig]):
    PACKAGE_NAME = "sample"

    def configure(self) -> None:
        pass


class AppBuilder(ApplicationGenericBuilder[App]):
    def get_default_plugins(self):
        return [AiopikaPlugin(listeners=[ship])]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_sample(tmp_path, yaml=_YAML, module=_MODULE)
    return tmp_path


def numbers(service: Service, event: str) -> set[int]:
    return {entry["number"] for entry in service.events(event)}


async def fill(uri: str, seconds: float, how_many: int = 20) -> None:
    async with await aio_pika.connect(uri) as connection:
        exchange = await (await connection.channel()).get_exchange("orders")
        for number in range(how_many):
            body = b'{"number": %d, "seconds": %r}' % (number, seconds)
            await exchange.publish(aio_pika.Message(body, delivery_mode=2), "order.new", mandatory=True)


async def left(uri: str) -> int:
    async with await aio_pika.connect(uri) as connection:
        queue = await (await connection.channel()).declare_queue(QUEUE.name, passive=True)
        return queue.declaration_result.message_count or 0


async def stopped_in_flight(
    uri: str, folder: Path, seconds: float, grace_seconds: float
) -> tuple[set[int], dict[str, Any], int]:
    """Stop a service with four handlers in flight; return what was shipped, its report, and what is left."""
    with Service(folder, AMQP_URL=uri, APP__SERVER__GRACE_SECONDS=str(grace_seconds)) as service:
        await asyncio.to_thread(service.wait_until, "/api/v1/sys/readiness", 200, seconds=15)
        await fill(uri, seconds)
        await until(lambda: len(numbers(service, "begun")) >= 4)
        service.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(service.process.wait, 20)
        report = service.wait_for("drained")["work"]["messages"]
        shipped = numbers(service, "shipped")
    return shipped, report, await left(uri)


async def test_sigterm_lets_handlers_finish_and_gives_back_what_has_not_begun(rabbitmq_uri: str, folder: Path) -> None:
    shipped, report, remaining = await stopped_in_flight(rabbitmq_uri, folder, 1.5, 20)
    assert len(shipped) >= 4
    assert len(shipped) + remaining == 20, "each message was shipped, or is there for others"
    assert report == {"in_flight": 4, "finished": 4, "given_back": 0}


async def test_handlers_that_outlast_the_grace_period_are_cancelled_and_their_messages_given_back(
    rabbitmq_uri: str, folder: Path
) -> None:
    shipped, report, remaining = await stopped_in_flight(rabbitmq_uri, folder, 60, 4)
    assert shipped == set()
    assert remaining == 20
    assert report == {"in_flight": 4, "finished": 0, "given_back": 4}


async def test_what_has_not_begun_goes_to_others_while_handlers_still_run(rabbitmq_uri: str) -> None:
    go = asyncio.Event()
    draining, other = Recorder(QUEUE, prefetch=10, concurrency=2, does=lambda _: go.wait()), Recorder(QUEUE)
    async with running(rabbitmq_uri, draining) as (publisher, connection):
        for number in range(10):
            await publisher.publish(OrderMessage(data=Order(number=number)), "order.new")
        await until(lambda: len(draining.seen) == 2)
        assert await count(connection, QUEUE.name) == 0, "all are prefetched"
        await draining.pause()
        async with running(rabbitmq_uri, other):
            await until(lambda: len(other.handled) == 8)
        go.set()
    assert sorted(draining.handled + other.handled) == list(range(10))
