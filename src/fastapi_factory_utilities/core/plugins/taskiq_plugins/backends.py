"""What tasks wait in: Redis, or this process."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi_factory_utilities.core.plugins.redis_client import RedisConfig, make_client
from fastapi_factory_utilities.core.plugins.taskiq_plugins import required  # noqa: F401 - says how to install the rest

# isort: split
from taskiq import AsyncBroker

from fastapi_factory_utilities.core.plugins.taskiq_plugins.broker import StreamBroker
from fastapi_factory_utilities.core.plugins.taskiq_plugins.config import TaskiqConfig
from fastapi_factory_utilities.core.plugins.taskiq_plugins.memory import MemoryBroker
from fastapi_factory_utilities.core.plugins.taskiq_plugins.queues import TaskQueue
from fastapi_factory_utilities.core.plugins.taskiq_plugins.schedule_source import TaskScheduleSource
from fastapi_factory_utilities.core.plugins.taskiq_plugins.schedule_store import (
    MemoryScheduleStore,
    RedisScheduleStore,
    ScheduleStore,
)

__all__ = ["Backend", "memory_backend", "redis_backend"]


@dataclass(frozen=True, slots=True)
class Backend:
    """A queue and its schedules, for as long as the plugin runs.

    Attributes:
        broker: The queue as Taskiq sees it.
        queue: The same object, as we do.
        source: The schedules that were made while the service runs.
        store: Where they live.
        ping: Asks whether it answers.
    """

    broker: AsyncBroker
    queue: TaskQueue
    source: TaskScheduleSource
    store: ScheduleStore
    ping: Callable[[], Awaitable[object]]


@asynccontextmanager
async def redis_backend(name: str, settings: TaskiqConfig, redis: RedisConfig) -> AsyncIterator[Backend]:
    """The queue in Redis; opened while Redis is away, too."""
    async with make_client(redis, name=name) as client:
        broker = StreamBroker(
            client,
            queue=name,
            visibility_timeout_seconds=settings.visibility_timeout_seconds,
            max_stream_length=settings.max_stream_length,
            result_ttl_seconds=settings.result_ttl_seconds,
            max_dead_letters=settings.max_dead_letters,
            replicas=settings.confirm_replicas,
        )
        store = RedisScheduleStore(client, name)
        yield Backend(broker, broker, TaskScheduleSource(store), store, client.ping)


@asynccontextmanager
async def memory_backend(name: str, settings: TaskiqConfig) -> AsyncIterator[Backend]:
    """The queue in this process."""
    broker = MemoryBroker(name, longest=settings.max_stream_length)
    store = MemoryScheduleStore()
    yield Backend(broker, broker, TaskScheduleSource(store), store, broker.prepare)
