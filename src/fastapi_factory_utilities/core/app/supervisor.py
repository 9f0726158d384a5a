"""Several serving processes that share one listener (`server.workers`)."""

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from types import FrameType

from fastapi_factory_utilities.core.logs import get_logger

__all__ = ["Supervisor"]

_log = get_logger(__name__)

_SETTLED_SECONDS = 10.0
_MAX_RESTART_PAUSE_SECONDS = 5.0
_LATE_SECONDS = 2.0

# What a worker runs: it serves the socket, if there is one, and returns its exit status.
Work = Callable[[socket.socket | None], int]


@dataclass
class _Worker:
    """One process and when it began."""

    process: SpawnProcess
    began: float = field(default_factory=time.monotonic)

    @property
    def settled(self) -> bool:
        """Whether it lived long enough for its death not to be a failure to start."""
        return time.monotonic() - self.began > _SETTLED_SECONDS


class Supervisor:
    """Keeps N processes serving: forwards signals, replaces those that die, ends those that outlast the grace period.

    Args:
        work: What each process runs; it is pickled.
        workers: How many.
        listener: The bound socket they share, if they serve one.
        grace_seconds: How long a worker may take to stop.
    """

    def __init__(self, work: Work, *, workers: int, listener: socket.socket | None, grace_seconds: float) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._work = work
        self._count = workers
        self._listener = listener
        self._grace_seconds = grace_seconds
        self._workers: list[_Worker] = []
        self._signals: list[int] = []
        self._failures = 0

    def run(self) -> int:
        """Serve until told to stop.

        Returns:
            The exit status: 0 after a clean stop, else the first bad one of a worker.
        """
        reader, writer = socket.socketpair()
        writer.settimeout(0)
        before = {number: signal.signal(number, self._take) for number in (signal.SIGTERM, signal.SIGINT)}
        wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            self._workers = [self._start() for _ in range(self._count)]
            while not self._signals:
                wait([reader, *(worker.process.sentinel for worker in self._workers)])
                status = self._replace_the_dead()
                if status:
                    self._signal_all(signal.SIGTERM)
                    self._wait_for_all(reader)
                    return status
            return self._stop(reader)
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            reader.close()
            writer.close()

    def _take(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)

    def _start(self) -> _Worker:
        process = self._context.Process(target=_work_in_a_process, args=(self._work, self._listener))
        process.start()
        return _Worker(process)

    def _replace_the_dead(self) -> int:
        """Start a new process for each that died; a worker that cannot even start ends them all.

        Returns:
            0, or the status of the worker that could not start.
        """
        for index, worker in enumerate(self._workers):
            status = worker.process.exitcode
            if status is None or self._signals:
                continue
            if not worker.settled and status > 0:
                _log.error("worker failed to start", pid=worker.process.pid, status=status)
                return status
            self._failures = 0 if worker.settled else self._failures + 1
            pause = min(_MAX_RESTART_PAUSE_SECONDS, 0.1 * 2.0 ** min(self._failures, 10)) if self._failures else 0.0
            _log.error("worker died", pid=worker.process.pid, status=status, restart_in_seconds=pause)
            time.sleep(pause)
            self._workers[index] = self._start()
        return 0

    def _stop(self, reader: socket.socket) -> int:
        self._signal_all(self._signals[0])
        self._wait_for_all(reader)
        return max((abs(worker.process.exitcode or 0) for worker in self._workers), default=0)

    def _wait_for_all(self, reader: socket.socket) -> None:
        """Wait for the workers, forwarding a second signal; kill those that outlast the grace period."""
        deadline = time.monotonic() + self._grace_seconds + _LATE_SECONDS
        forced = False
        while alive := [worker.process for worker in self._workers if worker.process.exitcode is None]:
            left = deadline - time.monotonic()
            if left <= 0:
                _log.error("workers killed, they outlasted the grace period", pids=[process.pid for process in alive])
                for process in alive:
                    process.kill()
                    process.join()
                return
            wait([reader, *(process.sentinel for process in alive)], timeout=left)
            if len(self._signals) > 1 and not forced:
                forced = True
                self._signal_all(self._signals[1])
            if len(self._signals) > 1:
                reader.settimeout(0)
                _drain(reader)

    def _signal_all(self, number: int) -> None:
        for worker in self._workers:
            if worker.process.exitcode is None and worker.process.pid is not None:
                os.kill(worker.process.pid, number)


def _drain(reader: socket.socket) -> None:
    try:
        reader.recv(1024)
    except BlockingIOError:
        return


def _work_in_a_process(work: Work, listener: socket.socket | None) -> None:
    """Run a worker: away from the terminal's signals, which the supervisor forwards, and not without its supervisor."""
    os.setpgid(0, 0)
    threading.Thread(target=_end_with_parent, name="supervisor-watch", daemon=True).start()
    raise SystemExit(work(listener))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
