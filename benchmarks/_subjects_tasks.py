"""The two workers that `bench_tasks` compares: stock Taskiq on Redis streams, and ours; both run the same function."""

import os
from typing import Any
from uuid import UUID

from pydantic import SecretStr
from redis.asyncio import Redis
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.plugins import PluginAbstract
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryConfig, OpenTelemetryPlugin
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.config import TracerConfig
from fastapi_factory_utilities.core.plugins.redis_client import RedisConfig
from fastapi_factory_utilities.core.plugins.taskiq_plugins import Task, TaskiqPlugin, task

URL = os.environ["BENCH_REDIS_URL"]
COLLECTOR = os.environ["BENCH_COLLECTOR"]
STOCK, OURS, TOLD = "bench:stock", "bench:ours", "bench:told"
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


@task("count")
async def count_told(book_id: UUID) -> str:
    """Ours, with telemetry."""
    return await count(book_id, name=TOLD)


class App(ApplicationAbstract[RootConfig]):
    """A service with nothing of its own."""


class Builder(ApplicationGenericBuilder[App]):
    """Builds it."""

    def __init__(self, *, name: str = "bench", task: Task[..., str] = count_ours, ratio: float | None = None) -> None:
        plugins: list[PluginAbstract[Any]] = [TaskiqPlugin(name, tasks=[task], config=RedisConfig(url=SecretStr(URL)))]
        if ratio is not None:
            tracer = TracerConfig(sampling_ratio=ratio)
            telemetry = OpenTelemetryConfig(endpoint=COLLECTOR, protocol="otlp_http", tracer_config=tracer)
            plugins.insert(0, OpenTelemetryPlugin(telemetry))
        super().__init__(plugins=plugins, application_class=App)
        application = {"service_namespace": "bench", "service_name": "bench", "description": "", "version": "0"}
        application["environment"] = "production"
        self.add_config(
            {
                "application": application,
                "logging": [{"name": "root", "level": "warning"}],
                "taskiq": {"concurrency": CONCURRENCY, "result_ttl_seconds": 60},
            }
        )


class ToldBuilder(Builder):
    """Builds it with telemetry."""

    def __init__(self) -> None:
        super().__init__(name="told", task=count_told, ratio=0.1)
