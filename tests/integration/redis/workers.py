"""Worker processes, and what they told of themselves."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis

SCRIPT = Path(__file__).with_name("worker.py")


@dataclass(frozen=True)
class Event:
    kind: str
    task_id: str
    at: float
    times: int


async def events_of(redis: Redis) -> list[Event]:
    told = await redis.lrange("events", 0, -1)
    words = [line.decode().split() for line in told if isinstance(line, bytes)]
    return [Event(kind, task_id, float(at), int(times)) for kind, task_id, at, times in words]


class Workers:
    """Worker processes of one queue, by their ids."""

    def __init__(self, pids: list[int]) -> None:
        self._pids = pids

    def kill_one(self) -> None:
        """Kill any with -9, and return when it is gone."""
        pid = self._pids.pop(random.randrange(len(self._pids)))  # noqa: S311 - any will do
        os.kill(pid, signal.SIGKILL)
        _wait_until_gone(pid)

    def stop_one(self) -> None:
        """Let one stop as it would by itself."""
        pid = self._pids.pop()
        os.kill(pid, signal.SIGTERM)
        _wait_until_gone(pid)


def _wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10.0
    with suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.01)
        raise AssertionError(f"the worker {pid} is still there")


@contextmanager
def workers(uri: str, queue: str, count: int, *, visibility_seconds: float, concurrency: int) -> Iterator[Workers]:
    """So many workers, working."""
    command = [sys.executable, str(SCRIPT), uri, queue, str(visibility_seconds), str(concurrency), str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told = [process.stdout.readline().strip() for _ in range(2 * count)]
        assert told.count("ready") == count, told
        yield Workers([int(line) for line in told if line != "ready"])
        process.stdin.close()  # it ends the others
