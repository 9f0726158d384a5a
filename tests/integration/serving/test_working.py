"""The processes beside the web: `worker` and `scheduler`."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from tests.integration.serving.service import Service, write_sample

_PLUGIN = """
import asyncio
import os
from contextlib import asynccontextmanager

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins import PluginAbstract

log = get_logger(__name__)


class Busy(PluginAbstract):
    # Works on one thing at a time, and lets it finish.

    def __init__(self):
        super().__init__()
        self.draining = asyncio.Event()

    async def on_drain(self):
        self.draining.set()

    async def work(self):
        with self.context.work.of("tasks"):
            log.info("began", pid=os.getpid(), role=self.context.role.value)
            await self.draining.wait()
            await asyncio.sleep(float(os.environ.get("TASK_SECONDS", "0.2")))
            log.info("finished")

    @asynccontextmanager
    async def lifespan(self):
        task = asyncio.create_task(self.work())
        yield
        await task


class App(ApplicationAbstract[RootConfig]):
    PACKAGE_NAME = "sample"


class Other(PluginAbstract):
    @property
    def name(self):
        return f"Other{id(self)}"


class AppBuilder(ApplicationGenericBuilder[App]):
    def get_default_plugins(self):
        # The last to start is the first to stop: it gets the smallest share of the time for stopping.
        return [*(Other() for _ in range(9)), Busy()]
"""


class Worker(Service):
    command = (sys.executable, "-m", "fastapi_factory_utilities", "worker", "sample.app:AppBuilder")


class Scheduler(Service):
    command = (sys.executable, "-m", "fastapi_factory_utilities", "scheduler", "sample.app:AppBuilder")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_sample(tmp_path, module=_PLUGIN)
    return tmp_path


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize(("kind", "role"), [(Worker, "worker"), (Scheduler, "scheduler")])
def test_it_works_without_listening_and_sigterm_lets_it_finish(folder: Path, kind: type[Service], role: str) -> None:
    with kind(folder) as service:
        assert service.wait_for("began")["role"] == role
        running = service.wait_for("running")
        assert running["role"] == role
        assert "url" not in running
        assert service.end() == 0
        assert service.events("finished")
        report = service.events("drained")[-1]
        assert report["work"] == {"tasks": {"in_flight": 1, "finished": 1, "given_back": 0}}
        assert report["total_seconds"] < 3


def test_work_in_flight_has_the_time_that_requests_have_whatever_the_plugins_share(folder: Path) -> None:
    with Worker(folder, TASK_SECONDS="2.5", APP__SERVER__GRACE_SECONDS="10") as service:
        service.wait_for("running")
        service.wait_for("began")
        assert service.end() == 0
        assert service.events("drained")[-1]["work"] == {"tasks": {"in_flight": 1, "finished": 1, "given_back": 0}}


def test_what_outlasts_the_grace_period_is_given_back_and_said_so(folder: Path) -> None:
    with Worker(folder, TASK_SECONDS="60", APP__SERVER__GRACE_SECONDS="2") as service:
        service.wait_for("running")
        service.wait_for("began")
        began = time.monotonic()
        assert service.end() == 1
        assert time.monotonic() - began < 4
        assert service.events("drained")[-1]["work"] == {"tasks": {"in_flight": 1, "finished": 0, "given_back": 1}}


def test_it_answers_for_its_health_where_it_is_told_to(folder: Path, free_port: int) -> None:
    with Worker(folder, "--health-port", str(free_port)) as service:
        assert service.wait_for("listening")["url"].endswith(f":{free_port}")
        assert service.get("/api/v1/sys/readiness") == (200, {"status": "ready"})
        assert service.get("/hello")[0] == 404
        assert service.end() == 0


def test_several_processes_work_and_one_that_dies_is_replaced(folder: Path) -> None:
    with Worker(folder, "--processes", "2") as service:
        service.wait_for("began", count=2)
        first = {event["pid"] for event in service.events("began")}
        assert len(first) == 2
        os.kill(min(first), signal.SIGKILL)
        assert service.wait_for("began", count=3)["pid"] not in first
        assert service.end() == 0


def test_a_health_port_in_use_is_one_message(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with Worker(folder, "--health-port", str(port)) as service:
            assert service.process.wait(20) == 2
            assert f"cannot listen on 127.0.0.1:{port}: it is in use" in service.text
            assert "Traceback" not in service.text


def test_no_process_at_all_is_refused(folder: Path) -> None:
    with Worker(folder, "--processes", "0") as service:
        assert service.process.wait(20) == 2
        assert "must be at least 1" in service.text
