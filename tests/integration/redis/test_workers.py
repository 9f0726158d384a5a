"""Workers that die: real processes, killed with -9."""

import asyncio
import operator
import random
import time
from collections import defaultdict
from functools import partial

from redis.asyncio import Redis

from fastapi_factory_utilities.core.plugins.taskiq_plugins.broker import StreamBroker
from tests.integration.redis.conftest import QUEUE, eventually, message
from tests.integration.redis.workers import Event, events_of, workers

VISIBILITY_SECONDS = 2.0
SLACK_SECONDS = 5.0


def longest_interruption(events: list[Event]) -> float:
    """The longest that a task waited for its next worker after one had begun it; a finished one waits no more."""
    began: dict[str, float] = {}
    longest = 0.0
    for event in sorted(events, key=lambda event: event.at):
        if event.kind == "start":
            longest = max(longest, event.at - began.get(event.task_id, event.at))
            began[event.task_id] = event.at
    return longest


async def test_no_task_is_lost_while_workers_are_killed_at_random(redis: Redis, redis_uri: str) -> None:
    broker = StreamBroker(redis, queue=QUEUE, visibility_timeout_seconds=VISIBILITY_SECONDS)
    ids = {f"task-{number}" for number in range(1000)}
    with workers(redis_uri, QUEUE, 8, visibility_seconds=VISIBILITY_SECONDS, concurrency=6) as fleet:
        for number, task_id in enumerate(ids):
            await broker.kick(message(task_id, f"{0.05 * (1 + number % 10)}"))
        for left in (880, 740, 600, 460, 320, 180, 40):
            await eventually(lambda: redis.hlen(f"{QUEUE}:index"), partial(operator.ge, left), seconds=60.0)
            await asyncio.sleep(random.uniform(0.0, 0.2))  # noqa: S311 - so that no two runs are the same
            await asyncio.to_thread(fleet.kill_one)
        quiet_since = time.time()  # nothing new arrives, and some of the last ones were in the hands of the dead
        await eventually(lambda: redis.hlen(f"{QUEUE}:index"), lambda now: now == 0, seconds=30.0)
        ended = time.time()
    events = await events_of(redis)
    finished = {event.task_id for event in events if event.kind == "finish"}
    assert finished == ids, "0 lost"
    assert max(event.times for event in events) >= 2, "some were in the hands of the dead"
    assert longest_interruption(events) < VISIBILITY_SECONDS + SLACK_SECONDS
    assert ended - quiet_since < VISIBILITY_SECONDS + SLACK_SECONDS
    assert await redis.xlen(f"{QUEUE}:stream") == 0, "what is settled is removed"


async def test_a_killed_workers_task_is_taken_over_in_time_and_says_that_it_was(redis: Redis, redis_uri: str) -> None:
    broker = StreamBroker(redis, queue=QUEUE, visibility_timeout_seconds=1.0)
    with workers(redis_uri, QUEUE, 1, visibility_seconds=1.0, concurrency=1) as fleet:
        await broker.kick(message("long", "60"))
        await eventually(lambda: events_of(redis), lambda events: len(events) == 1)
        async with broker.deliveries(concurrency=1) as deliveries:
            await asyncio.sleep(1.5)  # a beating worker keeps it for longer than the visibility timeout
            assert len(await events_of(redis)) == 1
            killed_at = time.monotonic()
            await asyncio.to_thread(fleet.kill_one)
            async with asyncio.timeout(10):
                delivery = await anext(aiter(deliveries))
            assert time.monotonic() - killed_at < 1.0 + 1.0 + 0.5  # and what a busy machine takes
            assert (delivery.task_id, delivery.times) == ("long", 2)
            await delivery.done(None)


async def test_a_long_task_runs_once_while_its_worker_lives(redis: Redis, redis_uri: str) -> None:
    broker = StreamBroker(redis, queue=QUEUE, visibility_timeout_seconds=1.0)
    with workers(redis_uri, QUEUE, 2, visibility_seconds=1.0, concurrency=4):
        for number in range(4):
            await broker.kick(message(f"long-{number}", "6"))
        await eventually(lambda: redis.hlen(f"{QUEUE}:index"), lambda left: left == 0, seconds=20.0)
    told: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for event in await events_of(redis):
        told[event.task_id].append((event.kind, event.times))
    assert dict(told) == {f"long-{number}": [("start", 1), ("finish", 1)] for number in range(4)}


async def test_what_a_stopped_worker_has_not_finished_is_given_back_at_once(redis: Redis, redis_uri: str) -> None:
    broker = StreamBroker(redis, queue=QUEUE, visibility_timeout_seconds=60.0)
    with workers(redis_uri, QUEUE, 1, visibility_seconds=60.0, concurrency=5) as fleet:
        for number in range(5):
            await broker.kick(message(f"long-{number}", "600"))
        await eventually(lambda: events_of(redis), lambda events: len(events) == 5)
        async with broker.deliveries(concurrency=5) as deliveries, asyncio.timeout(10):
            await asyncio.to_thread(fleet.stop_one)
            stopped_at = time.monotonic()
            found = aiter(deliveries)
            taken = [await anext(found) for _ in range(5)]
            assert time.monotonic() - stopped_at < 3.0
            assert {delivery.times for delivery in taken} == {1}, "giving back is no failure"
            for delivery in taken:
                await delivery.done(None)
        consumers = {consumer["name"] for consumer in await redis.xinfo_consumers(f"{QUEUE}:stream", "workers")}
    assert consumers <= {b"returned"}, "a worker that has left is forgotten"
