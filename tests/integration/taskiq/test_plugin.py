"""TaskiqPlugin against a real Redis: what every plugin does, and what is its own."""

from collections.abc import Mapping
from typing import Any

import pytest

from fastapi_factory_utilities.core.plugins.taskiq_plugins import SchedulerComponent, TaskiqPlugin, task
from fastapi_factory_utilities.testing import Server
from fastapi_factory_utilities.testing.conformance import ConnectionPluginConformance
from fastapi_factory_utilities.testing.conformance.plugin import PLANTED


@task("double")
async def double(number: int) -> int:
    return 2 * number


class TestConformance(ConnectionPluginConformance):
    def make_plugin(self) -> TaskiqPlugin:
        return TaskiqPlugin("conformance", tasks=[double])

    def make_config(self, uri: str) -> Mapping[str, Any]:
        return {"url": uri}

    def make_bad_configs(self) -> list[Mapping[str, Any]]:
        return [
            {},
            {"url": PLANTED},
            {"url": f"http://user:{PLANTED}@host"},
            {"url": "redis://127.0.0.1:1", "connection_timeout_ms": PLANTED},
        ]

    @pytest.fixture
    def backend_uri(self, redis_server: Server) -> str:
        return redis_server.uri

    async def use(self, plugin: TaskiqPlugin, client: SchedulerComponent) -> None:
        sent = await client.get_task(double).kiq(21)
        assert not await sent.is_ready(), "nobody runs tasks here"
        await client.scheduler_source.get_schedules()
