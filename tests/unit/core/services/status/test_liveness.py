"""What liveness speaks of: the process, and nothing else."""

import asyncio
import threading
import time

from fastapi_factory_utilities.core.services.status import LivenessMonitor


async def until_alive(monitor: LivenessMonitor) -> None:
    async with asyncio.timeout(5):
        while not monitor.state().alive:
            await asyncio.sleep(0.005)


async def test_a_process_that_works_is_alive() -> None:
    monitor = LivenessMonitor(max_stall_seconds=0.2)
    with monitor.watching():
        await asyncio.sleep(0.3)
        assert monitor.state().alive
        assert monitor.state().reason is None


async def test_a_blocked_event_loop_is_told_and_forgiven() -> None:
    monitor = LivenessMonitor(max_stall_seconds=0.1)
    with monitor.watching():
        await asyncio.sleep(0)
        time.sleep(0.4)  # noqa: ASYNC251 - blocking the loop is the fault under test
        state = monitor.state()
        assert not state.alive
        assert "event loop" in (state.reason or "")
        await asyncio.sleep(0)
        assert not monitor.state().alive
        await until_alive(monitor)


async def test_a_critical_task_that_ends_is_the_end() -> None:
    monitor = LivenessMonitor()

    async def fail() -> None:
        raise RuntimeError("boom")

    task = asyncio.create_task(fail(), name="relay")
    monitor.watch_task(task)
    assert monitor.state().alive
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert monitor.state().reason == "critical task 'relay' ended"


async def test_a_critical_task_that_is_cancelled_was_ended_on_purpose() -> None:
    monitor = LivenessMonitor()
    task = asyncio.create_task(asyncio.sleep(60))
    monitor.watch_task(task)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert monitor.state().alive


def test_broken_is_broken() -> None:
    monitor = LivenessMonitor()
    monitor.mark_broken("lost the lock")
    assert monitor.state().reason == "lost the lock"
    assert not monitor.state().alive


async def test_the_watchdog_leaves_no_thread() -> None:
    before = threading.active_count()
    with LivenessMonitor().watching():
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
