"""The two workers that `bench_tasks` compares: stock Taskiq on Redis streams, and ours; both run the same function."""

import os
from uuid import UUID

from pydantic import SecretStr
from redis.asyncio import Redis
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.plugins.redis_client import RedisConfig
from fastapi_factory_utilities.core.plugins.taskiq_plugins import TaskiqPlugin, task

URL = os.environ["BENCH_REDIS_URL"]
STOCK, OURS = "bench:stock", "bench:ours"
CONCURRENCY = 10

_counter = Redis.from_url(URL)


async def count(book_id: UUID, *, name: str) -> str:
    """What a task does: a little, and the counting."""
    await _counter.incr(name)
    return str(book_id)


stock = RedisStreamBroker(URL, queue_name="bench-stock").with_result_backend(
    RedisAsyncResultBackend(URL, result_ex_time=60)
)


@stock.task("count")
async def count_stock(book_id: UUID) -> str:
    """Stock Taskiq's task."""
    return await count(book_id, name=STOCK)


@task("count")
async def count_ours(book_id: UUID) -> str:
    """Ours."""
    return await count(book_id, name=OURS)


class App(ApplicationAbstract[RootConfig]):
    """A service with nothing of its own."""


class Builder(ApplicationGenericBuilder[App]):
    """Builds it."""

    def __init__(self) -> None:
        plugin = TaskiqPlugin("bench", tasks=[count_ours], config=RedisConfig(url=SecretStr(URL)))
        super().__init__(plugins=[plugin], application_class=App)
        application = {"service_namespace": "bench", "service_name": "bench", "description": "", "version": "0"}
        application["environment"] = "production"
        self.add_config(
            {
                "application": application,
                "logging": [{"name": "root", "level": "warning"}],
                "taskiq": {"concurrency": CONCURRENCY, "result_ttl_seconds": 60},
            }
        )
