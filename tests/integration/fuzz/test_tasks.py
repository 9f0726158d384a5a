"""No task ends a worker or takes one of its places for good, and no schedule keeps the others from being fired."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final
from uuid import uuid4

from hypothesis import strategies as st
from redis.asyncio import Redis
from taskiq import BrokerMessage, ScheduledTask

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryConfig, OpenTelemetryPlugin
from fastapi_factory_utilities.core.plugins.taskiq_plugins import (
    SchedulerComponent,
    TaskiqPlugin,
    depends_scheduler_component,
    task,
)
from fastapi_factory_utilities.core.plugins.taskiq_plugins.broker import StreamBroker
from fastapi_factory_utilities.testing.running import lifespan
from fastapi_factory_utilities.testing.telemetry import SpanCapture
from tests.integration.fuzz.sizes import TOLERANT, fuzzing
from tests.integration.fuzz.task_payloads import KNOWN, KNOWN_RECORDS, payloads, records
from tests.integration.fuzz.throwing import throw
from tests.integration.rabbitmq.consuming import until

pytestmark = TOLERANT

PLACES: Final = 3
_sums: list[int] = []
_good: Final = count(1_000_000)  # never the same, over all tests


@task("add")
async def add(number: int, words: list[str] | None = None, more: dict[str, Any] | None = None) -> int:
    _sums.append(number)
    return number


class App(ApplicationAbstract[RootConfig]):
    PACKAGE_NAME = "tests"


@asynccontextmanager
async def working(uri: str | None) -> AsyncIterator[SchedulerComponent]:
    plugins = [
        OpenTelemetryPlugin(OpenTelemetryConfig(exporter="none"), sinks=[SpanCapture()]),
        TaskiqPlugin("fuzz", tasks=[add]),
    ]
    about = {
        "service_namespace": "tests",
        "service_name": "tasks",
        "description": "",
        "version": "1",
        "environment": "production",
    }
    taskiq = {"run_in_web": True, "schedule_in": "web", "concurrency": PLACES, "in_memory": uri is None}
    taskiq["scheduler_lease_seconds"] = 0.5  # so that it looks often
    sections = {"application": about, "taskiq": taskiq, "redis": {"url": uri or "redis://127.0.0.1:1"}}
    app = ApplicationGenericBuilder(application_class=App, plugins=plugins).add_config(sections).build()
    async with lifespan(app):
        yield depends_scheduler_component.of(app.get_asgi_app())


class Victim:
    """A worker with few places, and what shows that all of them are still there."""

    def __init__(self, component: SchedulerComponent) -> None:
        self._component = component

    async def survives(self, messages: list[bytes]) -> None:
        for message in messages:
            await self._component.broker.kick(
                BrokerMessage(task_id=uuid4().hex, task_name="add", message=message, labels={})
            )
        good = [next(_good) for _ in range(PLACES)]
        for number in good:
            await self._component.get_task(add).kiq(number)
        await until(lambda: set(good) <= set(_sums))

    async def survives_schedules(self, found: list[bytes], redis: Redis) -> None:
        prefix = _prefix(self._component)
        for record in found:
            await redis.hset(f"{prefix}:schedules", uuid4().bytes, record)  # an id that is no text
        good = next(_good)
        await self._component.scheduler_source.add_schedule(
            ScheduledTask(task_name="add", labels={}, args=[], kwargs={"number": good}, time=datetime.now(UTC))
        )
        await until(lambda: good in _sums, seconds=40)
        await redis.delete(f"{prefix}:schedules")
        await redis.incr(f"{prefix}:schedules:version")  # so that they are not fired any more


async def test_no_task_takes_a_place_of_a_worker_in_memory() -> None:
    async with working(None) as component:
        batches = st.lists(payloads, min_size=1, max_size=20)
        known = ([message] * PLACES for message in KNOWN)
        await throw(batches, Victim(component).survives, fuzzing(0.5), *known)


async def test_no_task_takes_a_place_of_a_worker(redis_uri: str) -> None:
    async with working(redis_uri) as component, Redis.from_url(redis_uri) as redis:
        batches = st.lists(payloads, min_size=1, max_size=20)
        known = ([message] * PLACES for message in KNOWN)
        await throw(batches, Victim(component).survives, fuzzing(0.25), *known)
        await _nothing_in_hand(redis, f"{_prefix(component)}:stream")


async def test_no_schedule_keeps_the_others_from_being_fired(redis_uri: str) -> None:
    async with working(redis_uri) as component, Redis.from_url(redis_uri) as redis:
        victim = Victim(component)
        await throw(
            st.lists(records, min_size=1, max_size=20),
            lambda found: victim.survives_schedules(found, redis),
            fuzzing(0.25),
            *([record] for record in KNOWN_RECORDS),
        )


def _prefix(component: SchedulerComponent) -> str:
    """What the queue's keys begin with."""
    broker = component.broker
    assert isinstance(broker, StreamBroker)
    return broker.prefix


async def _nothing_in_hand(redis: Redis, stream: str) -> None:
    deadline = asyncio.get_running_loop().time() + 10
    while (pending := await redis.xpending(stream, "workers"))["pending"]:
        assert asyncio.get_running_loop().time() < deadline, pending
        await asyncio.sleep(0.02)
