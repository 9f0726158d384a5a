"""Running tasks: take one, call its function, settle it, whatever happens to the function, the queue, or this process.

Taskiq's own receiver is not used: it takes a cancellation for a failure of the task and acknowledges it, so that a
worker that is stopped loses what it works on; and it spins while Redis is away.
"""

import asyncio
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.taskiq_plugins.handling import TaskHandler
from fastapi_factory_utilities.core.plugins.taskiq_plugins.queues import Deliveries, Delivery, TaskQueue
from fastapi_factory_utilities.core.plugins.work import Work

__all__ = ["TaskWorker"]

_log = get_logger(__name__)

KIND = "tasks"
_GIVE_BACK_SECONDS = 0.4
_WATCH_SECONDS = 0.2


class TaskWorker:
    """Takes tasks from the queue and runs them, several at a time.

    Args:
        queue: Where tasks come from.
        handler: What runs one.
        app: The application whose state and dependencies tasks see.
        work: Where tasks in flight are counted.
        concurrency: How many run at a time.
        finish_seconds: How long tasks in flight may go on when it is stopped; then they are given back.
    """

    def __init__(
        self,
        queue: TaskQueue,
        handler: TaskHandler,
        *,
        app: FastAPI,
        work: Work,
        concurrency: int,
        finish_seconds: float,
    ) -> None:
        self._queue = queue
        self._handler = handler
        self._app = app
        self._work = work
        self._concurrency = concurrency
        self._finish_seconds = finish_seconds
        self._deliveries: Deliveries | None = None
        self._running: dict[asyncio.Task[None], Delivery] = {}
        self._taken_over: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work for as long as the body runs; then let what is in flight finish, or give it back."""
        async with self._queue.deliveries(concurrency=self._concurrency) as deliveries:
            self._deliveries = deliveries
            loops = [
                asyncio.create_task(self._take(deliveries), name="task worker"),
                asyncio.create_task(self._watch(), name="task watch"),
            ]
            for loop in loops:
                loop.add_done_callback(_tell_failure)
            try:
                yield
            finally:
                await self._stop(loops)

    async def pause(self) -> None:
        """Take nothing new."""
        if self._deliveries is not None:
            await self._deliveries.pause()

    def _forget(self, running: asyncio.Task[None]) -> None:
        del self._running[running]
        _tell_failure(running)

    async def _take(self, deliveries: Deliveries) -> None:
        async for delivery in deliveries:
            running = asyncio.create_task(self._run(delivery), name="task")
            self._running[running] = delivery
            running.add_done_callback(self._forget)

    async def _stop(self, loops: list[asyncio.Task[None]]) -> None:
        try:
            await self.pause()
            if self._running:
                await asyncio.wait(self._running, timeout=self._finish_seconds)
        finally:
            # Also when this very stop takes too long and is cancelled.
            late = [*loops, *self._running]
            for running in late:
                running.cancel()
            await asyncio.wait(late, timeout=_GIVE_BACK_SECONDS + 0.05)
            self._deliveries = None

    async def _watch(self) -> None:
        """End what another worker has by now."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            for running, delivery in self._running.items():
                if delivery.lost.is_set() and running not in self._taken_over:
                    self._taken_over.add(running)
                    running.cancel()

    async def _run(self, delivery: Delivery) -> None:
        """Run one task; a failure to settle it leaves it to be delivered again."""
        with suppress(_LeftUnsettled), self._work.of(KIND):
            try:
                await self._handler.handle(delivery, self._app)
            except asyncio.CancelledError:
                if asyncio.current_task() in self._taken_over:
                    _log.warning("task taken over by another worker, ended here", task_id=delivery.task_id)
                    raise _LeftUnsettled from None
                await _give_back(delivery)
                raise
            except BackendUnavailableError as error:
                _log.warning("task not settled, it will be delivered again", exc_info=error)
                raise _LeftUnsettled from error


class _LeftUnsettled(Exception):  # noqa: N818 - no error, but how the count of work learns of it
    """The task is not done; somebody will have it again."""


def _tell_failure(ended: asyncio.Task[None]) -> None:
    if not ended.cancelled() and (error := ended.exception()) is not None:
        _log.error("task worker failed", exc_info=error)


async def _give_back(delivery: Delivery) -> None:
    """Give it back, as far as the little time allows; without that the visibility timeout does it."""
    try:
        async with asyncio.timeout(_GIVE_BACK_SECONDS):
            await delivery.give_back()
    except (BackendUnavailableError, TimeoutError) as error:
        _log.warning("task not given back, it waits for the visibility timeout", exc_info=error)
