"""Four publishers and two consumers, while the broker is killed and the line is cut, again and again.

Run with `-s` to see the figures.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

import pytest

from fastapi_factory_utilities.core.plugins.aiopika import BrokerUnavailableError, Queue, UnroutableMessageError
from fastapi_factory_utilities.core.plugins.aiopika.retry import RetryPolicy
from fastapi_factory_utilities.testing import FaultProxy
from fastapi_factory_utilities.testing.servers import RabbitMQServer
from tests.integration.rabbitmq.consuming import (
    EXCHANGE,
    MemoryInbox,
    Order,
    OrderMessage,
    Orders,
    Recorder,
    count,
    running,
    until,
)

MESSAGES = 20_000
PUBLISHERS = 4
AT_ONCE = 25  # for each publisher
KILLS = 5
CUTS = 20
UNROUTABLE_EVERY = 200
DEADLINE_SECONDS = 5.0
SLACK_SECONDS = 2.0  # of an event loop that has two thousand things to do
RESUME_SECONDS = 5.0
SETTLED_SECONDS = 2.5  # a quorum queue that is younger is lost with its broker
QUEUE = Queue("chaos.orders", EXCHANGE, "chaos.*")
POLICY = RetryPolicy(attempts=10, first_delay_seconds=0.5, factor=2, max_delay_seconds=2)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The event loop that services run on."""
    return "asyncio", {"use_uvloop": True}


@dataclass
class Figures:
    """What happened."""

    confirmed: set[int] = field(default_factory=set)
    effects: Counter[int] = field(default_factory=Counter)
    refused_as_unroutable: int = 0
    tried_as_unroutable: int = 0
    deadlines_passed: int = 0
    longest_publish: float = 0.0
    resumed_after: list[float] = field(default_factory=list)
    redelivered: int = 0
    failed_on_purpose: int = 0
    handled: int = 0
    seconds_down: float = 0.0
    seconds: float = 0.0

    def table(self) -> dict[str, object]:
        return {
            "messages confirmed": len(self.confirmed),
            "broker killed with -9": KILLS,
            "line cut": CUTS,
            "confirmed and lost": len(self.confirmed - self.effects.keys()),
            "unroutable, told to the publisher": f"{self.refused_as_unroutable} of {self.tried_as_unroutable}",
            "duplicate effects (inbox on)": sum(times - 1 for times in self.effects.values()),
            "marked as redelivered by the broker": self.redelivered,
            "failed on purpose, tried again": self.failed_on_purpose,
            "publish calls that ended at their deadline": self.deadlines_passed,
            f"longest publish call (deadline {DEADLINE_SECONDS:g} s)": f"{self.longest_publish:.2f} s",
            "consumers resumed after, median": f"{sorted(self.resumed_after)[len(self.resumed_after) // 2]:.2f} s",
            f"consumers resumed after, longest (limit {RESUME_SECONDS:g} s)": f"{max(self.resumed_after):.2f} s",
            "seconds in all, and of these without a broker": f"{self.seconds:.0f}, {self.seconds_down:.0f}",
        }


class World:
    """The publishers, the consumers and what goes wrong."""

    def __init__(self, server: RabbitMQServer, line: FaultProxy) -> None:
        self.server = server
        self.line = line
        self.figures = Figures()
        self.chance = random.Random(20261123)  # noqa: S311 - the same chaos every time
        self.publishing = 0

    async def handle(self, message: OrderMessage) -> None:
        self.figures.redelivered += message.redelivered
        if message.attempt == 1 and message.data.number % 100 == 0:
            self.figures.failed_on_purpose += 1
            raise ValueError("on purpose")
        await asyncio.sleep(0)
        self.figures.effects[message.data.number] += 1
        self.figures.handled += 1

    async def publish(self, publisher: Orders, numbers: list[int]) -> None:
        """Publish these, each until it is confirmed."""
        while numbers:
            number = numbers.pop()
            message = OrderMessage(data=Order(number=number))
            if number % UNROUTABLE_EVERY == 0:
                await self._publish_unroutable(publisher)
            while not await self._publish_once(publisher, message, "chaos.new"):
                pass
            self.figures.confirmed.add(number)

    async def _publish_once(self, publisher: Orders, message: OrderMessage, routing_key: str) -> bool:
        began = time.monotonic()
        try:
            await publisher.publish(message, routing_key)
        except BrokerUnavailableError:
            self.figures.deadlines_passed += 1
            return False
        finally:
            self.figures.longest_publish = max(self.figures.longest_publish, time.monotonic() - began)
        return True

    async def _publish_unroutable(self, publisher: Orders) -> None:
        self.figures.tried_as_unroutable += 1
        try:
            while not await self._publish_once(publisher, OrderMessage(data=Order(number=-1)), "nowhere"):
                pass
        except UnroutableMessageError:
            self.figures.refused_as_unroutable += 1

    async def go_wrong(self) -> None:
        """Kill the broker and cut the line, one after the other, evenly over the messages."""
        faults = [self.kill] * KILLS + [self.cut] * CUTS
        self.chance.shuffle(faults)
        for number, fault in enumerate(faults, start=1):
            await until(partial(self.has_confirmed, number * MESSAGES // (len(faults) + 2)), 60)
            await fault()
            mended = time.monotonic()
            await until(partial(self.has_handled, self.figures.handled + 1), 30)
            self.figures.resumed_after.append(time.monotonic() - mended)

    def has_confirmed(self, how_many: int) -> bool:
        return len(self.figures.confirmed) >= how_many

    def has_handled(self, how_many: int) -> bool:
        return self.figures.handled >= how_many

    async def kill(self) -> None:
        began = time.monotonic()
        await asyncio.to_thread(self.server.kill)
        await asyncio.to_thread(self.server.start)
        self.figures.seconds_down += time.monotonic() - began

    async def cut(self) -> None:
        fault: Callable[[], None] = self.chance.choice(
            [self.line.drop, self.line.reset, self.line.refuse, lambda: self.line.cut_after(5_000)]
        )
        await asyncio.to_thread(fault)
        await asyncio.sleep(0.1)  # how long it lasts
        await asyncio.to_thread(self.line.heal)


@pytest.mark.timeout(240)
async def test_nothing_confirmed_is_lost_and_nothing_is_done_twice(
    killable_rabbitmq: RabbitMQServer,
    fault_proxy: Callable[[str], FaultProxy],
    record_property: Callable[[str, object], None],
) -> None:
    line = fault_proxy(killable_rabbitmq.uri)
    world, inbox = World(killable_rabbitmq, line), MemoryInbox()
    consumers = [Recorder(QUEUE, name, retry=POLICY, inbox=inbox, does=world.handle) for name in ("one", "two")]
    began = time.monotonic()
    async with AsyncExitStack() as applications:
        publishers = [
            (await applications.enter_async_context(running(line.uri, consumer)))[0] for consumer in consumers
        ]
        _, connection = await applications.enter_async_context(running(killable_rabbitmq.uri))
        await publishers[0].publish(OrderMessage(data=Order(number=MESSAGES)), "chaos.new", timeout_seconds=30)
        await asyncio.sleep(SETTLED_SECONDS)
        numbers = [list(range(first, MESSAGES, PUBLISHERS)) for first in range(PUBLISHERS)]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(world.go_wrong())
            for index in range(PUBLISHERS):
                for _ in range(AT_ONCE):
                    tasks.create_task(world.publish(publishers[index % 2], numbers[index]))
        figures = world.figures
        await until(lambda: not figures.confirmed - figures.effects.keys(), 30)
        figures.seconds = time.monotonic() - began
        for name, value in figures.table().items():
            record_property(name, value)
            print(f"{name:<55} {value}")  # noqa: T201 - the figures are what it is for
        await until(lambda: not any(consumer._consuming.in_flight for consumer in consumers if consumer._consuming))
        assert len(figures.confirmed) == MESSAGES
        assert not figures.confirmed - figures.effects.keys(), "confirmed and lost"
        assert figures.refused_as_unroutable == figures.tried_as_unroutable > 0
        assert figures.effects.most_common(1)[0][1] == 1, "done twice"
        assert figures.longest_publish < DEADLINE_SECONDS + SLACK_SECONDS
        assert max(figures.resumed_after) < RESUME_SECONDS
        assert len(figures.resumed_after) == KILLS + CUTS
        assert await count(connection, f"{QUEUE.name}.dead") == 0


async def test_a_paused_listener_takes_nothing_also_when_the_broker_comes_back(
    killable_rabbitmq: RabbitMQServer,
) -> None:
    go, queue = asyncio.Event(), Queue("orders.paused", EXCHANGE, "order.*")
    recorder = Recorder(queue, does=lambda _: go.wait())
    async with running(killable_rabbitmq.uri, recorder) as (publisher, connection):
        await publisher.publish(OrderMessage(data=Order(number=1)), "order.new")
        await until(lambda: recorder.seen)
        await recorder.pause()
        await asyncio.to_thread(killable_rabbitmq.kill)
        await asyncio.to_thread(killable_rabbitmq.start)
        await publisher.publish(OrderMessage(data=Order(number=2)), "order.new", timeout_seconds=15)
        go.set()
        await until(lambda: recorder.handled == [1])
        assert await count(connection, queue.name) == 2, "the first was settled too late, the second never came"
        assert len(recorder.seen) == 1


async def test_a_listener_stops_at_once_while_the_broker_is_away(killable_rabbitmq: RabbitMQServer) -> None:
    loop = asyncio.get_running_loop()
    async with running(killable_rabbitmq.uri, Recorder(Queue("orders.away", EXCHANGE, "order.*"))) as (publisher, _):
        await publisher.publish(OrderMessage(data=Order(number=1)), "order.new")
        await asyncio.to_thread(killable_rabbitmq.kill)
        began = loop.time()
    assert loop.time() - began < 3
