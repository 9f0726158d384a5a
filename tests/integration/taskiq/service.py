"""A service with tasks: what the processes of these tests run, and what the tests send."""

import asyncio
import os
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins import PluginAbstract
from fastapi_factory_utilities.core.plugins.taskiq_plugins import (
    Cron,
    CurrentTask,
    Every,
    RetryPolicy,
    TaskContext,
    TaskiqPlugin,
    Tasks,
    injected,
    task,
)

_log = get_logger(__name__)

EFFECTS = "TEST_EFFECTS"
IMPATIENT = RetryPolicy(max_attempts=2, base_seconds=0.1, jitter=0)


def file_exists(path: str) -> bool:
    """Look for a file."""
    return Path(path).exists()


def leave_trace(line: str) -> None:
    """Append a line that survives this process."""
    with Path(os.environ[EFFECTS]).open("a") as effects:
        effects.write(f"{line}\n")


@task("record")
async def record(line: str) -> int:
    leave_trace(line)
    return os.getpid()


@task("slow")
async def slow(name: str, seconds: float, task: CurrentTask = injected) -> str:
    leave_trace(f"begin {name} {os.getpid()} {task.deliveries}")
    await asyncio.sleep(seconds)
    leave_trace(f"end {name} {os.getpid()}")
    return name


@task("hopeless", retry=IMPATIENT)
async def hopeless(name: str, needs: str | None = None, task: CurrentTask = injected) -> str:
    leave_trace(f"try {name} {task.attempt}")
    if needs is None or not file_exists(needs):
        raise ConnectionError("nobody there")
    return name


@task("tell")
async def tell(book: UUID) -> str:
    _log.info("told", book=str(book))
    return str(book)


def step_of(task: TaskContext) -> int:
    """Which step of two seconds a schedule was due in."""
    assert task.due_at is not None
    return int(task.due_at.timestamp() // 2)


@task("first", schedules=[Every(seconds=2)])
async def first(task: CurrentTask = injected) -> None:
    leave_trace(f"first {step_of(task)}")


@task("second", schedules=[Every(seconds=2)])
async def second(task: CurrentTask = injected) -> None:
    leave_trace(f"second {step_of(task)}")


@task("third", schedules=[Every(seconds=2, arguments={"word": "hello"}), Cron("* * * * *", arguments={"word": "cron"})])
async def third(word: str, task: CurrentTask = injected) -> None:
    leave_trace(f"third {word} {step_of(task)}")


ALL = (record, slow, hopeless, tell)
SCHEDULED = (first, second, third)


class App(ApplicationAbstract[RootConfig]):
    PACKAGE_NAME = "tests"

    def configure(self) -> None:
        app = self.get_asgi_app()

        @app.post("/record")
        async def send_record(line: str, tasks: Tasks) -> dict[str, str]:
            return {"id": (await tasks.get_task(record).kiq(line)).task_id}

        @app.get("/results/{task_id}")
        async def result(task_id: str, tasks: Tasks) -> dict[str, Any]:
            if not await tasks.result_backend.is_result_ready(task_id):
                return {"ready": False}
            return {"ready": True, "value": (await tasks.result_backend.get_result(task_id)).return_value}


class AppBuilder(ApplicationGenericBuilder[App]):
    """Everything else comes from the environment."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.add_config(
            {
                "application": {
                    "service_namespace": "tests",
                    "service_name": "tasks",
                    "description": "",
                    "version": "1",
                    "environment": "production",
                },
                "server": {"host": "127.0.0.1", "port": 0, "drain_seconds": 0.1, "grace_seconds": 5},
            }
        )

    def get_default_plugins(self) -> list[PluginAbstract]:
        scheduled = SCHEDULED if "TEST_SCHEDULES" in os.environ else ()
        return [TaskiqPlugin("tests", tasks=[*ALL, *scheduled])]
