"""Schedules that are made while the service runs, as a source of Taskiq."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi_factory_utilities.core.plugins.taskiq_plugins import required  # noqa: F401 - says how to install the rest

# isort: split
from taskiq import ScheduledTask, ScheduleSource

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.taskiq_plugins.errors import ScheduleDefinitionError
from fastapi_factory_utilities.core.plugins.taskiq_plugins.schedule_store import ScheduleStore
from fastapi_factory_utilities.core.plugins.taskiq_plugins.schedules import Cron, Every, Once, Schedule

__all__ = ["StoredSchedule", "TaskScheduleSource"]

_log = get_logger(__name__)

_CREATED_AT = "schedule_created_at"


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """A schedule that somebody made, and when it is due."""

    task: ScheduledTask
    when: Schedule

    @property
    def labels(self) -> dict[str, Any]:
        """What is sent with the task."""
        return {name: value for name, value in self.task.labels.items() if name != _CREATED_AT}


class TaskScheduleSource(ScheduleSource):
    """Lists, stores and forgets schedules; what fires them is `TaskScheduling`.

    Args:
        store: Where they live.
    """

    def __init__(self, store: ScheduleStore) -> None:
        self._store = store

    async def get_schedules(self) -> list[ScheduledTask]:
        """All that were made and are still due some time.

        Raises:
            TaskQueueUnavailableError: Redis does not answer.
        """
        return [stored.task for stored in (await self.stored()).values()]

    async def stored(self) -> dict[str, StoredSchedule]:
        """The same by their ids, with the times that they are due."""
        found: dict[str, StoredSchedule] = {}
        for schedule_id, record in (await self._store.records()).items():
            try:
                task = ScheduledTask.model_validate_json(record)
                found[schedule_id] = StoredSchedule(task, _when(task))
            except (ValueError, TypeError, ArithmeticError, RecursionError, ScheduleDefinitionError) as error:
                _log.error("schedule cannot be read", schedule=schedule_id, error=type(error).__name__)
        return found

    async def add_schedule(self, schedule: ScheduledTask) -> None:
        """Store a schedule, or replace the one of its id.

        Raises:
            ScheduleDefinitionError: It has a mistake.
            TaskQueueUnavailableError: Redis does not answer.
        """
        now = datetime.now(UTC)
        labels: dict[str, Any] = {**schedule.labels, _CREATED_AT: now.isoformat()}
        schedule = schedule.model_copy(update={"labels": labels})
        when = _when(schedule)
        # A time that has passed is due at once.
        seen = when.at - timedelta(seconds=1) if isinstance(when, Once) else now
        await self._store.add(schedule.schedule_id, schedule.model_dump_json().encode(), seen.timestamp())

    async def delete_schedule(self, schedule_id: str) -> None:
        """Forget a schedule; one that is not there is forgotten already.

        Raises:
            TaskQueueUnavailableError: Redis does not answer.
        """
        await self._store.remove(schedule_id)


def _when(task: ScheduledTask) -> Schedule:
    if task.cron is not None:
        return Cron(task.cron, task.cron_offset or "UTC")
    if task.interval is not None:
        created = task.labels.get(_CREATED_AT)
        step = task.interval.total_seconds() if isinstance(task.interval, timedelta) else task.interval
        return Every(seconds=step, since=datetime.fromisoformat(str(created))) if created else Every(seconds=step)
    assert task.time is not None  # noqa: S101 - the model's validator says so
    # As Taskiq has it: a time without a zone is in UTC.
    return Once(task.time if task.time.tzinfo else task.time.replace(tzinfo=UTC))
