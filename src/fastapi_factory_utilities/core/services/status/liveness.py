"""Liveness: about this process alone, never about a backend (FR42).

A database outage must not make the orchestrator restart the fleet, so only three things end a life: an event loop that
is blocked, a critical task that died, and an explicit "broken".
"""

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi_factory_utilities.core.logs import get_logger

__all__ = ["Liveness", "LivenessMonitor"]

_log = get_logger(__name__)

_STACK_FRAMES = 15


@dataclass(frozen=True, slots=True)
class Liveness:
    """Whether the process is alive, and if not, why."""

    alive: bool
    reason: str | None = None


class LivenessMonitor:
    """Watches the event loop and the tasks without which the process is of no use.

    The loop beats; a thread looks whether it does, so that a loop that never comes back is at least logged with the
    stack that holds it. Whoever asks during a stall, or right after it, is told "not alive".

    Args:
        max_stall_seconds: How long the event loop may be blocked.
    """

    def __init__(self, max_stall_seconds: float = 10.0) -> None:
        self._max_stall = max_stall_seconds
        self._interval = min(1.0, max_stall_seconds / 4)
        self._last_beat: float | None = None
        self._was_late = False
        self._broken: str | None = None
        self._dead_task: str | None = None
        self._tasks: set[asyncio.Task[object]] = set()

    def state(self) -> Liveness:
        """Return whether the process is alive; reads memory only."""
        if self._broken is not None:
            return Liveness(alive=False, reason=self._broken)
        if self._dead_task is not None:
            return Liveness(alive=False, reason=self._dead_task)
        if self._was_late or self._stalled_seconds() > self._max_stall:
            return Liveness(alive=False, reason="the event loop was blocked for too long")
        return _ALIVE

    def mark_broken(self, reason: str) -> None:
        """Say that only a restart helps; the orchestrator will do it."""
        _log.error("process marked broken", reason=reason)
        self._broken = reason

    def watch_task(self, task: asyncio.Task[object]) -> None:
        """Make a task critical: when it ends by itself, with an error or without, the process is not alive.

        A cancelled task was ended on purpose and does not count.
        """
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        _log.error("critical task ended", task=task.get_name(), exc_info=error)
        self._dead_task = f"critical task {task.get_name()!r} ended"

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the running event loop."""
        loop = asyncio.get_running_loop()
        self._last_beat = time.monotonic()
        self._was_late = False
        handle = loop.call_later(self._interval, lambda: None)

        def beat() -> None:
            nonlocal handle
            self._was_late = self._stalled_seconds() > self._max_stall
            self._last_beat = time.monotonic()
            handle = loop.call_later(self._interval, beat)

        handle = loop.call_later(self._interval, beat)
        stop = threading.Event()
        thread = threading.Thread(
            target=self._look, args=(threading.get_ident(), stop), name="event-loop-watchdog", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            handle.cancel()
            stop.set()
            thread.join()
            self._last_beat = None
            self._was_late = False

    def _stalled_seconds(self) -> float:
        """How long the next beat is overdue, in seconds."""
        if self._last_beat is None:
            return 0.0
        return time.monotonic() - self._last_beat - self._interval

    def _look(self, loop_thread: int, stop: threading.Event) -> None:
        """Log a stall while it lasts, once each, with what the loop is stuck in."""
        told = False
        while not stop.wait(self._interval):
            stalled = self._stalled_seconds()
            if stalled <= self._max_stall:
                told = False
            elif not told:
                told = True
                # Reading another thread's stack is what this private-looking, documented function is for.
                frame = sys._current_frames().get(loop_thread)  # noqa: SLF001
                stack = [
                    f"{entry.filename}:{entry.lineno} {entry.name}"
                    for entry in traceback.extract_stack(frame, limit=None)[-_STACK_FRAMES:]
                ]
                _log.error("event loop blocked", stalled_seconds=round(stalled, 1), blocked_in=stack)


_ALIVE = Liveness(alive=True)
