"""Processes of the sample service, a component that sends to them, and what their tasks left behind."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fastapi_factory_utilities.core.plugins import ProcessRole
from fastapi_factory_utilities.core.plugins.taskiq_plugins import (
    SchedulerComponent,
    TaskiqPlugin,
    depends_scheduler_component,
)
from fastapi_factory_utilities.testing.running import lifespan
from tests.integration.serving.service import Service
from tests.integration.taskiq.service import ALL, EFFECTS, SCHEDULED, AppBuilder

ROOT = Path(__file__).parents[3]
VISIBILITY_SECONDS = 2.0


class Process(Service):
    """`worker`, `scheduler` or `serve`, as an operator runs them."""

    def __init__(self, folder: Path, command: str, *arguments: str, **environment: str) -> None:
        target = "tests.integration.taskiq.service:AppBuilder"
        self.command = (sys.executable, "-m", "fastapi_factory_utilities", command, target)
        python_path = f"{ROOT}:{ROOT / 'src'}"
        super().__init__(folder, *arguments, **{**environment, "PYTHONPATH": python_path})

    def wait_for(self, name: str, *, count: int = 1, seconds: float = 90) -> dict[str, Any]:
        """With the patience of a busy machine."""
        return super().wait_for(name, count=count, seconds=seconds)

    def ready(self) -> "Process":
        """Wait until it runs."""
        self.wait_for("running")
        return self


class Effects:
    """What tasks left behind, over all processes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self, beginning: str = "") -> list[str]:
        text = self.path.read_text() if self.path.exists() else ""
        return [line for line in text.splitlines() if line.startswith(beginning)]

    async def wait_for(self, beginning: str, count: int = 1, *, seconds: float = 60.0) -> list[str]:
        deadline = time.monotonic() + seconds
        while len(found := self.lines(beginning)) < count:
            assert time.monotonic() < deadline, f"no {beginning!r} (x{count}) within {seconds} s: {self.lines()}"
            await asyncio.sleep(0.02)
        return found


@pytest.fixture
def effects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Effects:
    path = tmp_path / "effects.txt"
    monkeypatch.setenv(EFFECTS, str(path))
    return Effects(path)


@pytest.fixture
def start(tmp_path: Path, effects: Effects, redis_uri: str) -> Iterator[Callable[..., Process]]:
    """Start a process: `start("worker", "--processes", "2", APP__TASKIQ__CONCURRENCY="3")`."""
    with ExitStack() as processes:

        def start_one(command: str, *arguments: str, **environment: str) -> Process:
            given = {
                "APP__REDIS__URL": redis_uri,
                "APP__TASKIQ__VISIBILITY_TIMEOUT_SECONDS": str(VISIBILITY_SECONDS),
                EFFECTS: str(effects.path),
                **environment,
            }
            return processes.enter_context(Process(tmp_path, command, *arguments, **given))

        yield start_one


@asynccontextmanager
async def running(
    uri: str, role: ProcessRole, *, scheduled: bool = False, **taskiq: Any
) -> AsyncIterator[SchedulerComponent]:
    """A process of the service, but inside of the test."""
    tasks = [*ALL, *(SCHEDULED if scheduled else ())]
    builder = AppBuilder(plugins=[TaskiqPlugin("tests", tasks=tasks)]).set_role(role)
    settings = {"visibility_timeout_seconds": VISIBILITY_SECONDS, **taskiq}
    app = builder.add_config({"redis": {"url": uri}, "taskiq": settings}).build()
    async with lifespan(app):
        yield depends_scheduler_component.of(app.get_asgi_app())


@pytest.fixture
async def tasks(redis_uri: str) -> AsyncIterator[SchedulerComponent]:
    """What a serving process sends with."""
    async with running(redis_uri, ProcessRole.WEB) as component:
        yield component
