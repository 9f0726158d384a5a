"""What the queue in memory keeps: results, dead letters, and tasks that are in a worker's hands."""

import asyncio
from collections import OrderedDict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.plugins.taskiq_plugins import required  # noqa: F401 - says how to install the rest

# isort: split
from taskiq import AsyncResultBackend, BrokerMessage, TaskiqResult
from taskiq.exceptions import ResultGetError

from fastapi_factory_utilities.core.plugins.taskiq_plugins.dead_letters import DeadTask
from fastapi_factory_utilities.core.plugins.taskiq_plugins.results import encode_result

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.taskiq_plugins.memory import MemoryBroker

__all__ = ["MemoryDeadLetters", "MemoryDelivery", "MemoryResults"]

_MOST_RESULTS = 10_000
_MOST_DEAD = 10_000


class MemoryResults(AsyncResultBackend[Any]):
    """Results in memory, the newest ten thousand; they go through JSON, as they would on their way to Redis."""

    def __init__(self) -> None:
        self._results: OrderedDict[str, bytes] = OrderedDict()

    async def set_result(self, task_id: str, result: TaskiqResult[Any]) -> None:
        """Keep a result."""
        self._results[task_id] = encode_result(result)
        while len(self._results) > _MOST_RESULTS:
            self._results.popitem(last=False)

    async def is_result_ready(self, task_id: str) -> bool:
        """Whether there is a result."""
        return task_id in self._results

    async def get_result(
        self,
        task_id: str,
        with_logs: bool = False,  # noqa: FBT001, FBT002, ARG002 - Taskiq's signature; logs are not kept
    ) -> TaskiqResult[Any]:
        """Return a result.

        Raises:
            ResultGetError: There is none.
        """
        if task_id not in self._results:
            raise ResultGetError
        return TaskiqResult[Any].model_validate_json(self._results[task_id])


class MemoryDelivery:
    """A `Delivery`: see `queues`."""

    def __init__(self, broker: "MemoryBroker", message: BrokerMessage, times: int) -> None:
        self.message = message
        self.times = times
        self.lost: asyncio.Event = asyncio.Event()
        self._broker = broker

    @property
    def data(self) -> bytes:
        """The message as it was sent."""
        return self.message.message

    @property
    def task_id(self) -> str:
        """The task's id."""
        return self.message.task_id

    @property
    def task_name(self) -> str:
        """The task's name."""
        return self.message.task_name

    async def done(self, result: TaskiqResult[Any] | None) -> None:
        """Keep the result, and forget the task."""
        if result is not None:
            await self._broker.result_backend.set_result(self.task_id, result)
        self._broker.settle(self)

    async def retry(self, message: BrokerMessage, delay_seconds: float) -> None:
        """Put a message in its place that waits for so long."""
        self._broker.put(message, delay_seconds=delay_seconds)
        self._broker.settle(self)

    async def dead(self, message: BrokerMessage, cause: str, result: TaskiqResult[Any] | None) -> None:
        """Park a message in its place among the dead letters, and keep the result."""
        self._broker.dead_letters.add(message, cause, self.times)
        await self.done(result)

    async def give_back(self) -> None:
        """Let another worker have it at once."""
        if self._broker.holds(self):
            self._broker.put(self.message, times=self.times - 1)
            self._broker.settle(self)


class MemoryDeadLetters:
    """A queue's given-up tasks: see `DeadLetters`."""

    def __init__(self, broker: "MemoryBroker") -> None:
        self._broker = broker
        self._dead: OrderedDict[str, tuple[DeadTask, BrokerMessage]] = OrderedDict()

    def add(self, message: BrokerMessage, cause: str, times: int) -> None:
        """Park one."""
        task = DeadTask(message.task_id, message.task_name, datetime.now(UTC), cause, times)
        self._dead[message.task_id] = (task, message)
        self._dead.move_to_end(message.task_id)
        while len(self._dead) > _MOST_DEAD:
            self._dead.popitem(last=False)

    async def count(self) -> int:
        """How many there are."""
        return len(self._dead)

    async def list(self, limit: int = 100) -> list[DeadTask]:
        """The newest, at most so many."""
        return [task for task, _ in reversed(self._dead.values())][:limit]

    async def requeue(self, task_id: str) -> bool:
        """Send one again; whether there was one of that id."""
        found = self._dead.pop(task_id, None)
        if found is not None:
            self._broker.put(found[1])
        return found is not None

    async def requeue_all(self) -> int:
        """Send all again, the oldest first; return how many."""
        return sum([await self.requeue(task_id) for task_id in tuple(self._dead)])

    async def delete(self, task_id: str) -> bool:
        """Forget one; whether there was one of that id."""
        return self._dead.pop(task_id, None) is not None

    async def purge(self) -> int:
        """Forget all; return how many."""
        count = len(self._dead)
        self._dead.clear()
        return count
