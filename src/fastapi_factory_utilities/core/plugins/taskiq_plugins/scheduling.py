"""Firing schedules: each due time once, however many processes could do it.

One process leads, for as long as it renews its lease in Redis. That alone would not do: a leader that was frozen may
wake up when another leads already. So each due time of each schedule has a guard in Redis, and the task is stored
together with its guard, in one step: two leaders fire nothing twice, and one that dies between any two steps loses
nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from fastapi_factory_utilities.core.plugins.taskiq_plugins import required  # noqa: F401 - says how to install the rest

# isort: split
from taskiq import AsyncBroker

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.taskiq_plugins.component import SchedulerComponent
from fastapi_factory_utilities.core.plugins.taskiq_plugins.contexts import DUE_AT, SCHEDULE_ID
from fastapi_factory_utilities.core.plugins.taskiq_plugins.middlewares import changed_by_middlewares, tell_middlewares
from fastapi_factory_utilities.core.plugins.taskiq_plugins.queues import TaskQueue
from fastapi_factory_utilities.core.plugins.taskiq_plugins.registered import message_for
from fastapi_factory_utilities.core.plugins.taskiq_plugins.schedule_source import TaskScheduleSource
from fastapi_factory_utilities.core.plugins.taskiq_plugins.schedule_store import ScheduleStore
from fastapi_factory_utilities.core.plugins.taskiq_plugins.schedules import Once, Schedule

__all__ = ["TaskScheduling"]

_log = get_logger(__name__)

_LONGEST_PAUSE_SECONDS = 1.0
_GOODBYE_SECONDS = 0.3
_MOMENT = timedelta(microseconds=1)
_FROZEN_SECONDS = 600.0
_ONCE_SECONDS = 7 * 86_400.0


@dataclass(slots=True)
class _Planned:
    """A schedule, and when it is due next."""

    schedule_id: str
    task_name: str
    when: Schedule
    arguments: dict[str, Any]
    labels: dict[str, Any]
    task_id: str | None = None
    due_at: datetime | None = None


def _utc_now() -> datetime:
    return datetime.now(UTC)


class TaskScheduling:
    """Fires the schedules of one component for as long as it leads.

    Args:
        component: Whose tasks' schedules.
        queue: What the tasks are sent through.
        source: The schedules that were made while the service runs.
        store: Where they live, and when each was last due.
        lease_seconds: How long a leader may be silent before another takes over.
        catch_up_seconds: How late a cron or interval schedule may still fire.
        clock: Tells the time (aware).
    """

    def __init__(
        self,
        component: SchedulerComponent,
        queue: TaskQueue,
        source: TaskScheduleSource,
        store: ScheduleStore,
        *,
        lease_seconds: float,
        catch_up_seconds: float,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._component = component
        self._queue = queue
        self._source = source
        self._store = store
        self._lease_seconds = lease_seconds
        self._pause_seconds = min(_LONGEST_PAUSE_SECONDS, lease_seconds / 4)
        self._catch_up = timedelta(seconds=catch_up_seconds)
        self._owner = uuid4().hex
        self._token = 0
        self._version = -1
        self._plan: dict[str, _Planned] = {}
        self._is_away = False
        self._clock = clock

    @asynccontextmanager
    async def scheduling(self) -> AsyncIterator[None]:
        """Take part for as long as the body runs, then let another lead at once."""
        task = asyncio.create_task(self._run(), name="task schedules")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            if self._token:
                with suppress(BackendUnavailableError, TimeoutError):
                    async with asyncio.timeout(_GOODBYE_SECONDS):
                        await self._store.resign(self._owner, self._token)

    async def _run(self) -> None:
        while True:
            try:
                pause = await self._turn()
                if self._is_away:
                    self._is_away = False
                    _log.info("schedules are fired again")
            except BackendUnavailableError as error:
                self._step_down()
                if not self._is_away:
                    self._is_away = True
                    _log.warning("schedules are not fired", reason=str(error))
                pause = self._pause_seconds
            except Exception as error:  # noqa: BLE001 - one mistake must not end all schedules
                self._step_down()
                _log.error("schedules failed, tried again", exc_info=error)
                pause = _LONGEST_PAUSE_SECONDS
            await asyncio.sleep(pause)

    async def _turn(self) -> float:
        """Lead or follow once; return how long to wait until the next turn."""
        lead = await self._store.lead(self._owner, self._lease_seconds)
        if not lead.token:
            self._step_down()
            return self._pause_seconds
        if lead.token != self._token:
            self._step_down()
            self._token = lead.token
            _log.info("this process fires the schedules", term=lead.token)
        if lead.version != self._version:
            await self._make_plan()
            self._version = lead.version
        renew_at = asyncio.get_running_loop().time() + self._lease_seconds / 3
        now, has_failed = self._clock(), False
        for planned in sorted(self._due(now), key=lambda each: (each.due_at, each.schedule_id)):
            if asyncio.get_running_loop().time() > renew_at:
                return 0.0
            try:
                leads = await self._fire(planned, now)
            except BackendUnavailableError:
                raise
            except Exception as error:  # noqa: BLE001 - one mistake must not keep the others from being fired
                _log.error("schedule not fired, tried again", schedule=planned.schedule_id, exc_info=error)
                has_failed = True
                continue
            if not leads:
                self._step_down()
                return 0.0
        if has_failed:
            return self._pause_seconds
        nexts = [planned.due_at for planned in self._plan.values() if planned.due_at is not None]
        until_next = (min(nexts) - self._clock()).total_seconds() if nexts else self._pause_seconds
        return min(self._pause_seconds, max(0.001, until_next))

    def _due(self, now: datetime) -> list[_Planned]:
        return [planned for planned in self._plan.values() if planned.due_at is not None and planned.due_at <= now]

    def _step_down(self) -> None:
        self._token = 0
        self._version = -1
        self._plan = {}

    async def _make_plan(self) -> None:
        """Find out about every schedule when it is due next; one seen for the first time is new now."""
        plan = {planned.schedule_id: planned for planned in self._declared()}
        for schedule_id, stored in (await self._source.stored()).items():
            task = stored.task
            plan[schedule_id] = _Planned(
                schedule_id, task.task_name, stored.when, dict(task.kwargs), stored.labels, task.task_id
            )
        now = self._clock().timestamp()
        seen = await self._store.seen(dict.fromkeys(plan, now))
        for schedule_id, planned in plan.items():
            try:
                planned.due_at = planned.when.next_after(datetime.fromtimestamp(seen[schedule_id], UTC))
            except Exception as error:  # noqa: BLE001 - one mistake must not keep the others from being fired
                _log.error("schedule left out", schedule=schedule_id, task=planned.task_name, exc_info=error)
        self._plan = plan

    def _declared(self) -> list[_Planned]:
        return [
            _Planned(
                f"{task.name} {schedule.key}",
                task.name,
                schedule,
                task.arguments.dump((), schedule.arguments),
                dict(task.labels),
            )
            for task in self._component
            for schedule in task.schedules
        ]

    async def _fire(self, planned: _Planned, now: datetime) -> bool:
        """Send the task for the last time that it was due; what was due before that is left out.

        Returns:
            Whether we still lead.
        """
        assert planned.due_at is not None  # noqa: S101 - only such are due
        due_at = planned.when.last_until(now, after=planned.due_at - _MOMENT) or planned.due_at
        is_once = isinstance(planned.when, Once)
        if is_once or now - due_at <= self._catch_up:
            await self._send(planned, due_at, is_once=is_once)
        else:
            _log.warning(
                "schedule missed",
                schedule=planned.schedule_id,
                task=planned.task_name,
                due_at=due_at.isoformat(),
                late_seconds=round((now - due_at).total_seconds()),
            )
        leads = await self._store.fired(
            planned.schedule_id, due_at.timestamp(), owner=self._owner, token=self._token, for_good=is_once
        )
        planned.due_at = None if is_once else planned.when.next_after(max(due_at, now))
        return leads

    async def _send(self, planned: _Planned, due_at: datetime, *, is_once: bool) -> None:
        broker: AsyncBroker = self._component.broker
        labels = {**planned.labels, SCHEDULE_ID: planned.schedule_id, DUE_AT: due_at.astimezone(UTC).isoformat()}
        task_id = planned.task_id or broker.id_generator()
        message = message_for(planned.task_name, planned.arguments, labels, task_id)
        message = await changed_by_middlewares(broker, "pre_send", message)
        # As long as anybody could come back and try this very time again.
        ttl_seconds = _ONCE_SECONDS if is_once else self._catch_up.total_seconds() + _FROZEN_SECONDS
        guard = f"fired:{planned.schedule_id}:{round(due_at.timestamp() * 1000)}"
        with self._component.spans.firing(message):
            data = broker.formatter.dumps(message)
            was_sent = await self._queue.kick_once(data, guard=guard, ttl_seconds=ttl_seconds)
        if was_sent:
            _log.debug("schedule fired", schedule=planned.schedule_id, task=planned.task_name, task_id=task_id)
            await tell_middlewares(broker, "post_send", message)
