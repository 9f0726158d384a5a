"""Tasks in workers, as an operator runs, stops and loses them."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import structlog

from fastapi_factory_utilities.core.plugins import ProcessRole
from fastapi_factory_utilities.core.plugins.taskiq_plugins import SchedulerComponent
from tests.integration.taskiq.conftest import VISIBILITY_SECONDS, Effects, Process, running
from tests.integration.taskiq.service import hopeless, record, slow, tell

type Start = Callable[..., Process]


async def test_a_task_sent_by_the_serving_process_runs_in_a_worker_and_its_result_comes_back(
    start: Start, tasks: SchedulerComponent, effects: Effects
) -> None:
    web = start("serve")
    sent = await asyncio.to_thread(web.ask, "POST", "/record?line=hello")
    worker, book = start("worker"), uuid4()
    async with asyncio.timeout(60):
        while not (answer := await asyncio.to_thread(web.get, f"/results/{sent[1]['id']}"))[1]["ready"]:
            await asyncio.sleep(0.02)
    assert answer[1]["value"] == worker.process.pid
    assert effects.lines() == ["hello"]
    with structlog.contextvars.bound_contextvars(trace_id="0af7651916cd43dd8448eb211c80319c", tenant="acme"):
        told = await tasks.get_task(tell).kiq(book)
    assert (await told.wait_result(timeout=60)).return_value == str(book)
    line = await asyncio.to_thread(worker.wait_for, "told")
    assert (line["trace_id"], line["tenant"]) == ("0af7651916cd43dd8448eb211c80319c", "acme"), "the sender's context"
    assert (line["task"], line["task_id"], line["attempt"]) == ("tell", told.task_id, 1)


async def test_processes_share_the_work_and_one_that_is_killed_loses_no_task_also_on_a_quiet_queue(
    redis_uri: str, tasks: SchedulerComponent, start: Start, effects: Effects
) -> None:
    workers = start("worker", "--processes", "2", APP__TASKIQ__CONCURRENCY="2")
    await asyncio.to_thread(workers.wait_for, "running", count=2)
    for number in range(4):
        await tasks.get_task(slow).kiq(f"{number}", 3600.0)
    pids = [int(line.split()[2]) for line in await effects.wait_for("begin", 4)]
    victim, other = set(pids)
    assert pids.count(victim) == pids.count(other) == 2
    orphans = [line.split()[1] for line in effects.lines("begin") if line.split()[2] == str(victim)]
    async with running(redis_uri, ProcessRole.WORKER):
        os.kill(victim, signal.SIGKILL)
        killed_at = time.monotonic()
        begun = await effects.wait_for("begin", 6)
        assert time.monotonic() - killed_at < VISIBILITY_SECONDS + 5
    assert sorted(line.split()[1] for line in begun[4:]) == sorted(orphans)
    assert all(line.endswith(" 2") for line in begun[4:]), "their second delivery"


async def test_a_long_task_is_run_once_while_its_worker_lives(
    redis_uri: str, tasks: SchedulerComponent, effects: Effects
) -> None:
    async with running(redis_uri, ProcessRole.WORKER), running(redis_uri, ProcessRole.WORKER):
        sent = await tasks.get_task(slow).kiq("long", 2.2 * VISIBILITY_SECONDS)
        assert (await sent.wait_result(timeout=60)).return_value == "long"
    assert len(effects.lines("begin long")) == 1


async def test_a_stop_lets_tasks_finish_takes_nothing_new_and_gives_back_what_takes_too_long(
    redis_uri: str, tasks: SchedulerComponent, start: Start, effects: Effects
) -> None:
    # With this visibility timeout only what is given back comes to another worker at once.
    patient = {"APP__TASKIQ__VISIBILITY_TIMEOUT_SECONDS": "600", "APP__TASKIQ__CONCURRENCY": "2"}
    worker = start("worker", **patient)
    await tasks.get_task(slow).kiq("held", 3600.0)
    await effects.wait_for("begin held")
    finishing = await tasks.get_task(slow).kiq("finishing", 0.7)
    await effects.wait_for("begin finishing")
    await tasks.get_task(slow).kiq("waiting", 0.0)
    assert await asyncio.to_thread(worker.end) == 0
    assert worker.events("drained")[0]["work"]["tasks"] == {"in_flight": 2, "finished": 1, "given_back": 1}
    assert (await finishing.get_result()).return_value == "finishing"
    assert effects.lines("begin waiting") == []
    async with running(redis_uri, ProcessRole.WORKER, visibility_timeout_seconds=600):
        begun = await effects.wait_for("begin held", 2)
        assert begun[1].endswith(" 1"), "no worker died of it"
        await effects.wait_for("end waiting")


async def test_a_task_that_keeps_failing_is_parked_and_can_be_sent_again(
    redis_uri: str, tasks: SchedulerComponent, effects: Effects, tmp_path: Path
) -> None:
    needs = tmp_path / "needed"
    async with running(redis_uri, ProcessRole.WORKER):
        sent = await tasks.get_task(hopeless).kiq("lost cause", str(needs))
        result = await sent.wait_result(timeout=60, check_interval=0.02)
        assert result.is_err
        assert isinstance(result.error, ConnectionError)
        assert effects.lines("try") == ["try lost cause 1", "try lost cause 2"]
        (dead,) = await tasks.dead_letters.list()
        assert (dead.task_id, dead.task_name, dead.cause) == (sent.task_id, "hopeless", "ConnectionError: nobody there")
        needs.touch()
        assert await tasks.dead_letters.requeue(sent.task_id)
        async with asyncio.timeout(60):
            while not await sent.is_ready() or (await sent.get_result()).is_err:
                await asyncio.sleep(0.02)
    assert effects.lines("try")[2:] == ["try lost cause 1"], "it begins with its first attempt"
    assert await tasks.dead_letters.count() == 0


async def test_a_retry_outlives_the_worker_that_failed(
    redis_uri: str, tasks: SchedulerComponent, effects: Effects
) -> None:
    async with running(redis_uri, ProcessRole.WORKER):
        await tasks.get_task(hopeless).kiq("twice")
        await effects.wait_for("try twice 1")
    async with running(redis_uri, ProcessRole.WORKER):
        await effects.wait_for("try twice 2")


async def test_a_small_service_runs_its_tasks_itself(redis_uri: str, effects: Effects) -> None:
    async with running(redis_uri, ProcessRole.WEB, run_in_web=True) as tasks:
        await tasks.get_task(record).kiq("here")
        await effects.wait_for("here")
