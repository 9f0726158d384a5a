"""What a queue of tasks can do, whether it is kept in Redis or in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol

from fastapi_factory_utilities.core.plugins.taskiq_plugins import required  # noqa: F401 - says how to install the rest

# isort: split
from taskiq import BrokerMessage, TaskiqResult

from fastapi_factory_utilities.core.plugins.taskiq_plugins.dead_letters import DeadTask

__all__ = ["DeadLetterList", "Deliveries", "Delivery", "TaskQueue"]


class Delivery(Protocol):
    """One task in the hands of one worker, until it is settled by one of these methods.

    All of them raise `TaskQueueUnavailableError` when the queue does not answer; the task is then delivered again.
    """

    @property
    def data(self) -> bytes:
        """The message as it was sent."""
        ...

    @property
    def task_id(self) -> str:
        """The task's id, also of a message that cannot be read."""
        ...

    @property
    def task_name(self) -> str:
        """The task's name, likewise."""
        ...

    @property
    def times(self) -> int:
        """How often it was delivered: more than once when a worker died, or gave it back."""
        ...

    @property
    def lost(self) -> asyncio.Event:
        """Set when another worker has it now, because this one was silent for too long."""
        ...

    async def done(self, result: TaskiqResult[Any] | None) -> None:
        """Keep the result, and forget the task."""
        ...

    async def retry(self, message: BrokerMessage, delay_seconds: float) -> None:
        """Put a message in its place that waits for so long."""
        ...

    async def dead(self, message: BrokerMessage, cause: str, result: TaskiqResult[Any] | None) -> None:
        """Park a message in its place among the dead letters, and keep the result."""
        ...

    async def give_back(self) -> None:
        """Let another worker have it at once."""
        ...


class Deliveries(Protocol):
    """Tasks as they come; what is not settled when its context is left is given back."""

    def __aiter__(self) -> AsyncIterator[Delivery]:
        """Wait for tasks; ends after `pause`."""
        ...

    async def pause(self) -> None:
        """Fetch nothing new; what is in hand stays in hand."""
        ...


class DeadLetterList(Protocol):
    """Tasks that were given up; all of its methods raise `TaskQueueUnavailableError` when Redis does not answer."""

    async def count(self) -> int:
        """How many there are."""
        ...

    async def list(self, limit: int = 100) -> list[DeadTask]:
        """The newest, at most so many."""
        ...

    async def requeue(self, task_id: str) -> bool:
        """Send one again; whether there was one of that id."""
        ...

    async def requeue_all(self) -> int:
        """Send all again, the oldest first; return how many."""
        ...

    async def delete(self, task_id: str) -> bool:
        """Forget one; whether there was one of that id."""
        ...

    async def purge(self) -> int:
        """Forget all; return how many."""
        ...


class TaskQueue(Protocol):
    """Where tasks wait; both kinds are brokers of Taskiq as well."""

    @property
    def prefix(self) -> str:
        """What all its keys begin with."""
        ...

    @property
    def dead_letters(self) -> DeadLetterList:
        """What was given up."""
        ...

    async def prepare(self) -> None:
        """Make what it needs in Redis; bears repetition."""
        ...

    async def kick(self, message: BrokerMessage) -> None:
        """Return when the task is stored."""
        ...

    async def kick_at(self, message: BrokerMessage, at: datetime) -> None:
        """Return when the task is stored, to be delivered then."""
        ...

    async def kick_once(self, message: BrokerMessage, *, guard: str, ttl_seconds: float) -> bool:
        """Store the task unless one was stored under this guard before, in one step; whether it was stored now."""
        ...

    def deliveries(self, *, concurrency: int) -> AbstractAsyncContextManager[Deliveries]:
        """Take tasks, never more than so many that are not settled."""
        ...
