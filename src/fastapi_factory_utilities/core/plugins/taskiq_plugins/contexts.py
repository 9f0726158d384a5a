"""What a running task may know of itself."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends

from fastapi_factory_utilities.core.plugins.taskiq_plugins.errors import TaskRegistrationError

__all__ = [
    "DUE_AT",
    "SCHEDULE_ID",
    "CurrentTask",
    "TaskContext",
    "current_task",
    "depends_task_context",
    "running_task",
]

SCHEDULE_ID = "schedule_id"
DUE_AT = "schedule_due_at"

_current: ContextVar["TaskContext"] = ContextVar("current_task")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskContext:
    """One attempt of one task.

    Attributes:
        task_id: Its identity, the same in every attempt.
        name: The task's name.
        attempt: Which attempt it is, counted from 1.
        max_attempts: How many there are at most.
        deliveries: How often this attempt was handed to a worker: more than once when a worker died or gave it back.
        deadline: When the attempt is cut off (aware, UTC).
        schedule_id: The schedule that sent it, if one did.
        due_at: When that schedule was due; the task may run later (aware, UTC).
        labels: What else was sent with it.
    """

    task_id: str
    name: str
    attempt: int
    max_attempts: int
    deliveries: int
    deadline: datetime
    schedule_id: str | None = None
    due_at: datetime | None = None
    labels: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_last_attempt(self) -> bool:
        """Whether a failure parks the task."""
        return self.attempt >= self.max_attempts

    @property
    def seconds_left(self) -> float:
        """How long until the deadline; 0 when it has passed."""
        return max(0.0, (self.deadline - datetime.now(UTC)).total_seconds())


def current_task() -> TaskContext:
    """Return the task that this code runs in.

    Raises:
        TaskRegistrationError: It runs in none.
    """
    try:
        return _current.get()
    except LookupError:
        raise TaskRegistrationError("no task runs here: current_task() answers only inside of a task") from None


async def depends_task_context() -> TaskContext:
    """Be a dependency of tasks, and of what they depend on."""
    return current_task()


CurrentTask = Annotated[TaskContext, Depends(depends_task_context)]
"""The task's own context as a parameter: `async def index(book_id: UUID, task: CurrentTask = injected)`."""


@contextmanager
def running_task(context: TaskContext) -> Iterator[None]:
    """Be inside of a task."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)
