"""What workers and senders do when Redis is away, or comes back empty."""

import asyncio
import time
from collections.abc import Callable

import pytest

from fastapi_factory_utilities.core.plugins import ProcessRole
from fastapi_factory_utilities.core.plugins.taskiq_plugins import SchedulerComponent, TaskQueueUnavailableError
from fastapi_factory_utilities.testing import FaultProxy, Server
from fastapi_factory_utilities.testing.servers import RedisServer
from tests.integration.taskiq.conftest import Effects, Process, running
from tests.integration.taskiq.service import record, slow

type Start = Callable[..., Process]


async def sent(tasks: SchedulerComponent, line: str, seconds: float = 10.0) -> None:
    """Send, as a service would that tries again for a while."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            await tasks.get_task(record).kiq(line)
        except TaskQueueUnavailableError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        else:
            return


async def test_a_worker_starts_without_redis_and_goes_on_after_each_outage_and_does_not_fill_the_log(
    redis_uri: str, start: Start, effects: Effects, tasks: SchedulerComponent, fault_proxy: Callable[[str], FaultProxy]
) -> None:
    line = fault_proxy(redis_uri)
    line.refuse()
    worker = start("worker", "--health-port", "0", APP__REDIS__URL=line.uri, APP__TASKIQ__SCHEDULE_IN="worker")
    await asyncio.to_thread(worker.wait_until, "/api/v1/sys/readiness", 503, seconds=10)
    assert (await asyncio.to_thread(worker.get, "/api/v1/sys/liveness"))[0] == 200
    await tasks.get_task(record).kiq("at last")
    line.heal()
    await effects.wait_for("at last", seconds=5)
    await asyncio.to_thread(worker.wait_until, "/api/v1/sys/readiness", 200, seconds=5)
    for fault in ("refuse", "freeze"):
        lines = len(worker.text.splitlines())
        getattr(line, fault)()
        await asyncio.to_thread(worker.wait_until, "/api/v1/sys/readiness", 503, seconds=5)
        await asyncio.sleep(2)
        await tasks.get_task(record).kiq(f"after {fault}")
        probes = len(worker.events("request"))
        assert len(worker.text.splitlines()) - lines - probes < 12
        assert effects.lines("after {fault}") == []
        line.heal()
        await effects.wait_for(f"after {fault}", seconds=5)
        await asyncio.to_thread(worker.wait_until, "/api/v1/sys/readiness", 200, seconds=5)


async def test_sending_fails_within_its_deadline_while_redis_is_away(
    redis_uri: str, fault_proxy: Callable[[str], FaultProxy]
) -> None:
    line = fault_proxy(redis_uri)
    async with running(line.uri, ProcessRole.WEB) as tasks:
        await tasks.get_task(record).kiq("fine")
        for fault in (line.refuse, line.freeze):
            fault()
            began = time.monotonic()
            with pytest.raises(TaskQueueUnavailableError) as caught:
                await tasks.get_task(record).kiq("lost")
            assert time.monotonic() - began < 5
            assert "127.0.0.1" not in str(caught.value)
            line.heal()
        await sent(tasks, "fine again")


async def test_what_was_sent_and_what_runs_survive_a_restart_of_redis(
    private_redis_server: Server, effects: Effects
) -> None:
    uri = private_redis_server.uri
    async with running(uri, ProcessRole.WEB) as tasks:
        await tasks.get_task(record).kiq("kept")
        await asyncio.to_thread(private_redis_server.kill)
        await asyncio.to_thread(private_redis_server.start)
        async with running(uri, ProcessRole.WORKER):
            await effects.wait_for("kept")
            await tasks.get_task(slow).kiq("through it all", 2.5)
            await effects.wait_for("begin through")
            await asyncio.to_thread(private_redis_server.kill)
            await asyncio.to_thread(private_redis_server.start)
            await effects.wait_for("end through")
            await sent(tasks, "afterwards")
            await effects.wait_for("afterwards", seconds=10)
    assert len(effects.lines("begin through")) == 1


async def test_work_and_schedules_go_on_when_redis_comes_back_without_its_data(effects: Effects) -> None:
    with RedisServer(durable=False) as server:
        async with (
            running(server.uri, ProcessRole.WEB) as tasks,
            running(server.uri, ProcessRole.WORKER, scheduled=True, schedule_in="worker"),
        ):
            await sent(tasks, "before")
            await effects.wait_for("before")
            await effects.wait_for("first")
            await asyncio.to_thread(server.kill)
            server.forget()
            await asyncio.to_thread(server.start)
            await sent(tasks, "after")
            await effects.wait_for("after", seconds=10)
            await effects.wait_for("first", len(effects.lines("first")) + 1, seconds=10)
            assert effects.lines("after") == ["after"]
