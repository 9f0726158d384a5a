"""Listeners on a real broker: messages are handled, as many at once as they should, and none is forgotten."""

import asyncio
import time
from collections.abc import Callable
from typing import Annotated, Any

import aio_pika
import pytest
from fastapi import Depends

from fastapi_factory_utilities.core.plugins.aiopika import AbstractListener, listen
from fastapi_factory_utilities.core.plugins.inbox import Claim
from fastapi_factory_utilities.core.plugins.provided import Provided
from fastapi_factory_utilities.testing import FaultProxy
from fastapi_factory_utilities.testing.running import lifespan
from tests.integration.rabbitmq.consuming import (
    EXCHANGE,
    QUEUE,
    MemoryInbox,
    Order,
    OrderMessage,
    Orders,
    Recorder,
    count,
    make_app,
    running,
    until,
)


async def publish(publisher: Orders, *numbers: int) -> None:
    await asyncio.gather(
        *(publisher.publish(OrderMessage(data=Order(number=number)), "order.new") for number in numbers)
    )


async def test_a_message_whose_handler_returns_is_gone_from_the_queue(rabbitmq_uri: str) -> None:
    recorder = Recorder(QUEUE)
    async with running(rabbitmq_uri, recorder) as (publisher, connection):
        await publish(publisher, *range(50))
        await until(lambda: len(recorder.handled) == 50)
        assert sorted(recorder.handled) == list(range(50))
    async with running(rabbitmq_uri) as (_, connection):
        assert await count(connection, QUEUE.name) == 0


async def test_a_handler_sees_what_its_message_says(rabbitmq_uri: str) -> None:
    recorder = Recorder(QUEUE)
    async with running(rabbitmq_uri, recorder) as (publisher, _):
        sent = OrderMessage(data=Order(number=1)).set_headers({"tenant": "a"}).set_correlation_id("c")
        await publisher.publish(sent, "order.new")
        await until(lambda: recorder.handled)
    (message,) = recorder.seen
    assert message.data == Order(number=1)
    assert (message.message_id, message.correlation_id) == (sent.message_id, "c")
    assert message.get_headers()["tenant"] == "a"
    assert (message.attempt, message.redelivered) == (1, False)


async def test_no_more_are_handled_at_once_than_allowed_and_no_fewer(rabbitmq_uri: str) -> None:
    go = asyncio.Event()
    recorder = Recorder(QUEUE, prefetch=8, concurrency=3, does=lambda _: go.wait())
    async with running(rabbitmq_uri, recorder) as (publisher, connection):
        await publish(publisher, *range(20))
        await until(lambda: len(recorder.seen) == 3)
        await asyncio.sleep(0.2)  # time in which a fourth could begin
        assert len(recorder.seen) == 3
        assert await count(connection, QUEUE.name) == 12, "the broker keeps what exceeds the prefetch"
        go.set()
        await until(lambda: len(recorder.handled) == 20)


async def test_one_at_a_time_keeps_the_order(rabbitmq_uri: str) -> None:
    recorder = Recorder(QUEUE, concurrency=1, does=lambda _: asyncio.sleep(0))
    async with running(rabbitmq_uri, recorder) as (publisher, _):
        await publisher.publish_many((OrderMessage(data=Order(number=number)) for number in range(200)), "order.new")
        await until(lambda: len(recorder.handled) == 200)
    assert recorder.handled == list(range(200))


async def test_two_replicas_share_a_queue(rabbitmq_uri: str) -> None:
    first, second = (Recorder(QUEUE, prefetch=4, does=lambda _: asyncio.sleep(0.001)) for _ in range(2))
    async with running(rabbitmq_uri, first) as (publisher, _), running(rabbitmq_uri, second):
        await publish(publisher, *range(400))
        await until(lambda: len(first.handled) + len(second.handled) == 400)
    assert sorted(first.handled + second.handled) == list(range(400))
    assert first.handled
    assert second.handled


async def test_a_handler_may_settle_its_message_itself(rabbitmq_uri: str) -> None:
    async def settle(message: OrderMessage) -> None:
        if message.redelivered or message.data.number == 1:
            await message.ack()
        else:
            await message.reject(requeue=True)

    recorder = Recorder(QUEUE, does=settle)
    async with running(rabbitmq_uri, recorder) as (publisher, _):
        await publish(publisher, 1, 2)
        await until(lambda: len(recorder.handled) == 3)
        assert [message.redelivered for message in recorder.seen if message.data.number == 2] == [False, True]
    async with running(rabbitmq_uri) as (_, connection):
        assert await count(connection, QUEUE.name) == 0


class Shop:
    opened = 0

    def __init__(self) -> None:
        self.is_open = True


async def shop() -> object:
    Shop.opened += 1
    opened = Shop()
    yield opened
    opened.is_open = False


class Shipper(AbstractListener[OrderMessage]):
    shops: list[tuple[Shop, bool]] = []  # noqa: RUF012 - of this test's one listener

    async def on_message(self, message: OrderMessage, shop: Annotated[Shop, Depends(shop)]) -> None:
        self.shops.append((shop, shop.is_open))


async def test_dependencies_are_filled_in_anew_for_each_message(rabbitmq_uri: str) -> None:
    shipper = Shipper(QUEUE)
    async with running(rabbitmq_uri, shipper) as (publisher, _):
        await publish(publisher, 1, 2, 3)
        await until(lambda: len(shipper.shops) == 3)
        await until(lambda: not any(shop.is_open for shop, _ in shipper.shops))
    assert all(was_open for _, was_open in shipper.shops)
    assert len({id(shop) for shop, _ in shipper.shops}) == 3


async def test_a_function_is_a_listener_as_well(rabbitmq_uri: str) -> None:
    seen = []

    @listen(QUEUE, concurrency=2)
    async def ship(message: OrderMessage, shop: Annotated[Shop, Depends(shop)]) -> None:
        seen.append((message.data.number, shop.is_open))

    async with running(rabbitmq_uri, ship) as (publisher, _):
        await publish(publisher, 7)
        await until(lambda: seen == [(7, True)])


async def test_a_message_that_comes_twice_is_handled_once_with_an_inbox(rabbitmq_uri: str) -> None:
    recorder = Recorder(QUEUE, inbox=MemoryInbox())
    message = OrderMessage(data=Order(number=1))
    async with running(rabbitmq_uri, recorder) as (publisher, connection):
        for _ in range(5):
            await publisher.publish(message, "order.new")
        await publish(publisher, 2)
        await until(lambda: 2 in recorder.handled)
        assert recorder.handled.count(1) == 1
    async with running(rabbitmq_uri) as (_, connection):
        assert await count(connection, QUEUE.name) == 0


async def test_an_inbox_that_is_provided_later_is_waited_for(rabbitmq_uri: str) -> None:
    slot, inbox = Provided[MemoryInbox]("inbox", plugin="InboxPlugin"), MemoryInbox()
    recorder = Recorder(QUEUE, inbox=slot)
    app = make_app(rabbitmq_uri, [recorder], publisher=(publisher := Orders(EXCHANGE)))
    async with lifespan(app):
        await publish(publisher, 1)
        await asyncio.sleep(0.1)  # time in which it could be handled
        assert recorder.seen == []
        slot.publish(app.get_asgi_app(), inbox)
        await until(lambda: recorder.handled == [1])
    assert set(inbox.keys.values()) == {Claim.DONE}


async def test_a_message_that_is_being_handled_elsewhere_waits_and_counts_no_attempt(rabbitmq_uri: str) -> None:
    go = asyncio.Event()
    inbox = MemoryInbox()

    async def fail_after_all(message: OrderMessage) -> None:
        if not go.is_set():
            await go.wait()
            raise ValueError

    recorder = Recorder(QUEUE, inbox=inbox, does=fail_after_all)
    message = OrderMessage(data=Order(number=1))
    async with running(rabbitmq_uri, recorder) as (publisher, _):
        await publisher.publish(message, "order.new")
        await until(lambda: recorder.seen)
        await publisher.publish(message, "order.new")
        await asyncio.sleep(0.3)  # the second one is on its way around
        assert len(recorder.seen) == 1
        go.set()
        await until(lambda: recorder.handled)
    assert {1} == set(recorder.handled)
    assert len(recorder.handled) == 1


async def test_a_queue_that_was_deleted_is_declared_and_consumed_again(rabbitmq_uri: str) -> None:
    recorder = Recorder(QUEUE)
    async with running(rabbitmq_uri, recorder) as (publisher, connection):
        await publish(publisher, 1)
        await until(lambda: recorder.handled == [1])
        async with connection.channel() as channel:
            await channel.queue_delete(QUEUE.name)
        async with asyncio.timeout(5):
            while True:
                try:
                    await publish(publisher, 2)
                    break
                except Exception:  # noqa: BLE001 - unroutable for as long as there is no queue
                    await asyncio.sleep(0.02)
        await until(lambda: recorder.handled == [1, 2], 5)


async def test_without_the_plugin_a_listener_works_on_a_connection_of_aio_pika(rabbitmq_uri: str) -> None:
    async with await aio_pika.connect_robust(rabbitmq_uri) as connection:
        recorder = Recorder(QUEUE)
        recorder.set_robust_connection(connection)
        await recorder.setup()
        await recorder.listen()
        publisher = Orders(EXCHANGE)
        publisher.set_robust_connection(connection)
        await publish(publisher, 1, 2)
        await until(lambda: sorted(recorder.handled) == [1, 2])
        await recorder.close()
        await publish(publisher, 3)
        async with connection.channel() as channel:
            queue = await channel.declare_queue(QUEUE.name, passive=True)
            assert queue.declaration_result.message_count == 1


@pytest.mark.parametrize("settings", [{}, {"concurrency": 1}])
async def test_what_is_not_settled_at_the_end_is_there_for_others(rabbitmq_uri: str, settings: dict[str, Any]) -> None:
    recorder = Recorder(QUEUE, **settings)
    async with running(rabbitmq_uri, recorder) as (publisher, _):
        await publish(publisher, *range(300))
        await until(lambda: len(recorder.handled) > 20)
    handled = set(recorder.handled)
    other = Recorder(QUEUE)
    async with running(rabbitmq_uri, other):
        await until(lambda: handled | set(other.handled) == set(range(300)))
    assert not handled & set(other.handled)


BREAKS: dict[str, Callable[[FaultProxy], None]] = {
    "cut": FaultProxy.drop,
    "reset": FaultProxy.reset,
    "frozen": FaultProxy.freeze,
}


@pytest.mark.parametrize("how", BREAKS)
async def test_when_the_line_breaks_handlers_finish_and_the_listener_resumes(
    rabbitmq_uri: str, fault_proxy: Callable[[str], FaultProxy], how: str
) -> None:
    line = fault_proxy(rabbitmq_uri)
    go = asyncio.Event()
    recorder = Recorder(QUEUE, inbox=MemoryInbox(), concurrency=2, does=lambda _: go.wait())
    async with running(line.uri, recorder) as (publisher, connection), running(rabbitmq_uri) as (other, _):
        await publish(publisher, 1, 2, 3)
        await until(lambda: len(recorder.seen) == 2)
        await asyncio.to_thread(BREAKS[how], line)
        await until(lambda: not connection.is_connected, 10)
        await asyncio.to_thread(line.heal)
        healed = time.monotonic()
        await until(lambda: connection.is_ready, 5)
        await publish(other, 4)
        go.set()
        await until(lambda: sorted(recorder.handled) == [1, 2, 3, 4], 10)
        assert time.monotonic() - healed < 5
        consuming = recorder._consuming
        assert consuming is not None
        await until(lambda: consuming.is_consuming and not consuming.in_flight)
    assert sorted(recorder.handled) == [1, 2, 3, 4], "each once: the inbox knows those that were delivered again"
