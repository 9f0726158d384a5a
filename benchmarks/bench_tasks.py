"""How fast tasks are run: ours against stock Taskiq on Redis streams, one worker process each on the same Redis.

Run it with `python -m benchmarks.bench_tasks`; see `benchmarks/_harness.py` for the options. While tasks are sent, the
worker is frozen; what is measured begins when it is thawed and ends with its last task, results stored. What is told is
exported, to a collector in a process of its own.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
from redis import Redis

from benchmarks._harness import Report, Server, arguments, finish, uvicorn_command
from fastapi_factory_utilities.testing import redis_server

TASKS = 500
TOLD = "ours, telemetry 10 %"
DEADLINE_SECONDS = 60


class Worker:
    """A worker process, and what it has done so far."""

    def __init__(self, command: list[str], counter: str, redis: "Redis") -> None:
        self._counter = counter
        self._redis = redis
        self._process = psutil.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL, cwd=Path.cwd())

    def done(self) -> int:
        """How many tasks it has run."""
        return int(self._redis.get(self._counter) or 0)

    def wait_for(self, count: int) -> None:
        """Wait until it has run so many."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self.done() < count:
            assert self._process.poll() is None, "the worker ended"
            assert time.monotonic() < deadline, f"{self.done()} of {count} tasks"
            time.sleep(0.0005)

    def signal(self, number: int) -> None:
        """Send a signal to it and its children."""
        for process in self._tree():
            process.send_signal(number)

    def cpu_seconds(self) -> float:
        """What it and its children have used so far."""
        return sum(time.clock_gettime((~process.pid << 3) | 2) for process in self._tree())

    def close(self) -> None:
        """End it."""
        self.signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(10)
        except psutil.TimeoutExpired:
            for process in self._tree():
                process.kill()

    def _tree(self) -> list[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)]


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "", rounds=4, restarts=5)
    tasks = 50 if options.quick else TASKS
    rate = Report("Running a task, by the clock", unit="us", baseline="stock Taskiq", goals={"ours": 1.0})
    cpu = Report("Running a task, CPU of the worker", unit="us CPU", baseline="stock Taskiq")
    sending = Report("Sending a task, one at a time", unit="us CPU", baseline="stock Taskiq")
    with (
        redis_server(private=True) as server,
        Server(uvicorn_command("benchmarks._collector:app", factory=False)) as collector,
    ):
        os.environ["BENCH_REDIS_URL"] = server.uri
        os.environ["BENCH_COLLECTOR"] = f"http://127.0.0.1:{collector.port}"
        for _ in range(options.restarts):
            asyncio.run(measure(server.uri, [rate, cpu, sending], rounds=options.rounds, tasks=tasks))
    finish([rate, cpu, sending], options)


async def measure(url: str, reports: list[Report], *, rounds: int, tasks: int) -> None:
    """Start both workers, and measure."""
    from benchmarks import _subjects_tasks as subjects  # noqa: PLC0415 - it reads where Redis is when it is imported
    from fastapi_factory_utilities.core.plugins.taskiq_plugins import (  # noqa: PLC0415 - likewise
        depends_scheduler_component,
    )

    app = subjects.Builder().build().get_asgi_app()
    told_app = subjects.ToldBuilder().build().get_asgi_app()
    redis = Redis.from_url(url)
    redis.flushall()
    with ExitStack() as stack:
        stock_command = [sys.executable, "-m", "taskiq", "worker", "benchmarks._subjects_tasks:stock", "--workers", "1"]
        stock_command += ["--max-async-tasks", str(subjects.CONCURRENCY), "--log-level", "WARNING"]
        our_command = [sys.executable, "-m", "fastapi_factory_utilities", "worker"]
        workers = {
            "stock Taskiq": Worker(stock_command, subjects.STOCK, redis),
            "ours": Worker([*our_command, "benchmarks._subjects_tasks:Builder"], subjects.OURS, redis),
            TOLD: Worker([*our_command, "benchmarks._subjects_tasks:ToldBuilder"], subjects.TOLD, redis),
        }
        for worker in workers.values():
            stack.callback(worker.close)
        async with app.router.lifespan_context(app), told_app.router.lifespan_context(told_app):
            await subjects.stock.startup()
            ours = depends_scheduler_component.of(app).get_task(subjects.count_ours)
            told = depends_scheduler_component.of(told_app).get_task(subjects.count_told)
            senders: dict[str, Callable[[], Any]] = {
                "stock Taskiq": lambda: subjects.count_stock.kiq(uuid4()),
                "ours": lambda: ours.kiq(uuid4()),
                TOLD: lambda: told.kiq(uuid4()),
            }
            for name, worker in workers.items():
                await senders[name]()
                await asyncio.to_thread(worker.wait_for, 1)
            for number in range(-1, rounds):
                await _round(reports, workers, senders, tasks=tasks, keep=number >= 0)
            await subjects.stock.shutdown()


async def _round(
    reports: list[Report],
    workers: dict[str, Worker],
    senders: dict[str, Callable[[], Any]],
    *,
    tasks: int,
    keep: bool,
) -> None:
    """Measure every subject once, the baseline twice; the other way round in every second round."""
    rate, cpu, sending = reports
    turns = [("stock Taskiq", "stock Taskiq"), ("ours", "ours"), (TOLD, TOLD), ("stock Taskiq", rate.control)]
    if len(rate.samples.get("ours", ())) % 2:
        turns.reverse()
    for name, called in turns:
        worker, send = workers[name], senders[name]
        before = worker.done()
        worker.signal(signal.SIGSTOP)
        began = time.process_time()
        for _ in range(tasks):
            await send()
        sent = time.process_time() - began
        began, spent = time.perf_counter(), worker.cpu_seconds()
        worker.signal(signal.SIGCONT)
        worker.wait_for(before + tasks)
        figures = (time.perf_counter() - began, worker.cpu_seconds() - spent, sent)
        for report, figure in zip((rate, cpu, sending), figures, strict=True):
            if keep:
                report.samples.setdefault(called, []).append(figure / tasks * 1e6)


if __name__ == "__main__":
    main()
