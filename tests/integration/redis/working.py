"""A worker in the test's own process; a task's message is how long it takes, in seconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi_factory_utilities.core.plugins.taskiq_plugins.broker import StreamBroker
from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams_delivery import StreamDelivery
from tests.integration.redis.conftest import eventually


class Working:
    """What a worker has begun and done."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.done: list[str] = []

    async def run(self, delivery: StreamDelivery) -> None:
        self.began.append(delivery.task_id)
        await asyncio.sleep(float(delivery.data))
        await delivery.done(None)
        self.done.append(delivery.task_id)

    async def has_done(self, *task_ids: str, seconds: float = 10.0) -> None:
        async def done() -> set[str]:
            return set(self.done)

        await eventually(done, lambda done: done >= set(task_ids), seconds)


@asynccontextmanager
async def working(broker: StreamBroker, concurrency: int = 10) -> AsyncIterator[Working]:
    worker = Working()
    async with broker.deliveries(concurrency=concurrency) as deliveries, asyncio.TaskGroup() as group:

        async def take() -> None:
            async for delivery in deliveries:
                group.create_task(worker.run(delivery))

        group.create_task(take())
        yield worker
        await deliveries.pause()
