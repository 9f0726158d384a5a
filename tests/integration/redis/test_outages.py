"""The queue when Redis dies, hangs, forgets, or the line is cut: work goes on, and nothing hangs."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.plugins.redis_client import make_client
from fastapi_factory_utilities.core.plugins.taskiq_plugins.broker import StreamBroker
from fastapi_factory_utilities.core.plugins.taskiq_plugins.errors import TaskQueueUnavailableError
from fastapi_factory_utilities.testing import Direction, FaultProxy, Server
from fastapi_factory_utilities.testing.servers import RedisServer
from tests.integration.redis.conftest import QUEUE, config_of, eventually, message
from tests.integration.redis.working import working


def broker_on(redis: Redis, visibility_seconds: float = 1.0) -> StreamBroker:
    return StreamBroker(redis, queue=QUEUE, visibility_timeout_seconds=visibility_seconds)


@pytest.fixture
def line(redis_uri: str, fault_proxy: Callable[[str], FaultProxy]) -> FaultProxy:
    return fault_proxy(redis_uri)


@pytest.fixture
async def behind(line: FaultProxy) -> AsyncIterator[Redis]:
    async with make_client(config_of(line.uri, operation_timeout_ms=500)) as client:
        yield client


@pytest.mark.parametrize("fault", ["refuse", "freeze"])
async def test_a_task_sent_while_redis_is_away_raises_within_its_deadline(
    line: FaultProxy, behind: Redis, fault: str
) -> None:
    broker = broker_on(behind)
    getattr(line, fault)()
    began = time.monotonic()
    with pytest.raises(TaskQueueUnavailableError, match="could not take a task") as caught:
        await broker.kick(message("a"))
    assert time.monotonic() - began < 3.5
    assert isinstance(caught.value, BackendUnavailableError)
    assert "127.0.0.1" not in str(caught.value)


async def test_a_lost_consumer_group_is_made_again(broker: StreamBroker, redis: Redis) -> None:
    async with working(broker) as worker:
        await broker.kick(message("before"))
        await worker.has_done("before")
        await redis.xgroup_destroy(f"{QUEUE}:stream", "workers")
        await broker.kick(message("after"))
        await worker.has_done("after")


async def test_a_task_under_way_when_the_group_is_lost_is_not_begun_twice_by_its_worker(
    broker: StreamBroker, redis: Redis
) -> None:
    async with working(broker) as worker:
        await broker.kick(message("long", "2.5"))
        await eventually(lambda: redis.xpending(f"{QUEUE}:stream", "workers"), lambda found: found["pending"] == 1)
        await redis.xgroup_destroy(f"{QUEUE}:stream", "workers")
        await worker.has_done("long")
    assert worker.began == ["long"]
    assert await redis.xlen(f"{QUEUE}:stream") == 0


async def test_everything_lost_costs_only_what_was_lost(broker: StreamBroker, redis: Redis) -> None:
    async with working(broker) as worker:
        await broker.kick(message("running", "1"))
        await eventually(lambda: redis.xpending(f"{QUEUE}:stream", "workers"), lambda found: found["pending"] == 1)
        await redis.flushdb()
        await redis.script_flush()
        await broker.kick(message("after"))
        await worker.has_done("running", "after")


async def test_redis_killed_and_restarted_with_its_data_loses_nothing_and_runs_a_long_task_once(
    private_redis_server: Server, private_redis: Redis
) -> None:
    broker = broker_on(private_redis)
    await broker.prepare()
    for number in range(200):
        await broker.kick(message(f"{number}", "0.05"))
    await broker.kick(message("long", "5"))
    async with working(broker) as one, working(broker) as two:
        await asyncio.sleep(0.3)
        await asyncio.to_thread(private_redis_server.kill)
        await asyncio.sleep(1.5)  # for longer than the visibility timeout
        await asyncio.to_thread(private_redis_server.start)

        async def left() -> int:
            return int(await private_redis.hlen(f"{QUEUE}:index"))

        await eventually(left, lambda left: left == 0, seconds=20)
        assert {*one.done, *two.done} >= {f"{number}" for number in range(200)}
        assert [*one.began, *two.began].count("long") == 1, "its worker lived, and said so after the outage"


async def test_a_redis_frozen_for_longer_than_the_visibility_timeout_hands_no_live_workers_task_over(
    private_redis_server: Server, private_redis: Redis
) -> None:
    broker = broker_on(private_redis)
    await broker.prepare()
    await broker.kick(message("long", "5"))
    async with working(broker) as one, working(broker) as two:
        await eventually(lambda: private_redis.xlen(f"{QUEUE}:stream"), lambda waiting: waiting == 1)
        await asyncio.sleep(1.5)
        await asyncio.to_thread(private_redis_server.freeze)
        await asyncio.sleep(2.0)
        await asyncio.to_thread(private_redis_server.thaw)
        await eventually(lambda: private_redis.xlen(f"{QUEUE}:stream"), lambda waiting: waiting == 0, seconds=15)
        assert [*one.began, *two.began] == ["long"]


async def test_redis_restarted_without_its_data_goes_on_with_what_comes() -> None:
    with RedisServer(durable=False) as server:
        async with make_client(config_of(server.uri)) as redis:
            broker = broker_on(redis)
            await broker.prepare()
            async with working(broker) as worker:
                await broker.kick(message("before"))
                await worker.has_done("before")
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
                sent_at = time.monotonic()
                await eventually(lambda: broker.kick(message("after")), lambda _: True)
                await worker.has_done("after")
                assert time.monotonic() - sent_at < 5.0


async def test_what_was_delivered_into_a_dead_line_is_not_stuck_until_the_visibility_timeout(
    line: FaultProxy, behind: Redis, redis: Redis
) -> None:
    broker = broker_on(behind, visibility_seconds=60)
    await broker.prepare()
    async with working(broker) as worker:
        await broker.kick(message("before"))
        await worker.has_done("before")
        line.freeze(Direction.TO_CLIENT)
        await broker_on(redis).kick(message("a"))
        await eventually(lambda: redis.xpending(f"{QUEUE}:stream", "workers"), lambda found: found["pending"] == 1)
        line.drop()
        line.heal()
        await worker.has_done("a", seconds=5)


async def test_what_finishes_during_a_short_outage_is_settled_after_it(
    line: FaultProxy, behind: Redis, redis: Redis
) -> None:
    broker = broker_on(behind)
    await broker.prepare()
    await broker.kick(message("a", "0.5"))
    async with working(broker) as worker:
        await eventually(lambda: redis.xpending(f"{QUEUE}:stream", "workers"), lambda found: found["pending"] == 1)
        line.refuse()
        await asyncio.sleep(2.0)
        assert worker.done == []
        line.heal()
        await worker.has_done("a", seconds=5)
    assert worker.began == ["a"]
    assert await redis.xlen(f"{QUEUE}:stream") == 0


async def test_an_outage_is_told_once_and_its_end_too_and_fills_no_log(line: FaultProxy, behind: Redis) -> None:
    broker = broker_on(behind)
    await broker.prepare()
    with capture_logs() as told:
        async with working(broker) as worker:
            line.refuse()
            await asyncio.sleep(4.0)
            with pytest.raises(TaskQueueUnavailableError):
                await broker.kick(message("a"))
            line.heal()
            await eventually(lambda: broker.kick(message("b")), lambda _: True)
            await worker.has_done("b", seconds=5)
            await asyncio.sleep(1.0)
    events = [(entry["log_level"], entry["event"]) for entry in told]
    assert events == [("warning", "task queue lost"), ("info", "task queue back")]


async def test_an_outage_makes_no_hot_loop(line: FaultProxy, behind: Redis) -> None:
    broker = broker_on(behind, visibility_seconds=30)
    async with working(broker):
        line.reset()
        await asyncio.sleep(2.0)
        before = line.connections_accepted
        await asyncio.sleep(2.0)
        assert line.connections_accepted - before < 20


async def test_a_worker_stops_in_time_while_redis_is_away(line: FaultProxy, behind: Redis) -> None:
    broker = broker_on(behind)
    await broker.prepare()
    await broker.kick(message("a"))
    for fault in (line.refuse, line.freeze):
        async with broker.deliveries(concurrency=1) as deliveries:
            await anext(aiter(deliveries))
            fault()
            began = time.monotonic()
        assert time.monotonic() - began < 3.0
        line.heal()
        await asyncio.sleep(1.2)
