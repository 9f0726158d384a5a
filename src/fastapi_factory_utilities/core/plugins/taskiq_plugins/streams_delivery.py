"""One task in the hands of one worker."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi_factory_utilities.core.plugins.taskiq_plugins import required  # noqa: F401 - says how to install the rest

# isort: split
from taskiq import BrokerMessage, TaskiqResult

from fastapi_factory_utilities.core.plugins.taskiq_plugins.results import TaskState, encode_result
from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams import Entry, Settled

__all__ = ["StreamDelivery"]


class StreamDelivery:
    """A `Delivery`: see `queues`.

    Args:
        entry: What Redis delivered.
        settle: Ends the delivery; takes those arguments of `Streams.settle` that only a worker knows.
        give_back: Gives it back.
    """

    def __init__(
        self,
        entry: Entry,
        *,
        settle: Callable[..., Awaitable[None]],
        give_back: Callable[["StreamDelivery"], Awaitable[None]],
    ) -> None:
        self.entry = entry
        self.lost: asyncio.Event = asyncio.Event()
        self._settle = settle
        self._give_back = give_back

    @property
    def data(self) -> bytes:
        """The message as it was sent."""
        return self.entry.data

    @property
    def times(self) -> int:
        """How often it was delivered, this time included."""
        return self.entry.times

    @property
    def task_id(self) -> str:
        """The task's id, also of a message that cannot be read."""
        return self.entry.task_id

    @property
    def task_name(self) -> str:
        """The task's name, likewise."""
        return self.entry.task_name

    async def done(self, result: TaskiqResult[Any] | None) -> None:
        """Keep the result, and forget the task, in one step; tried again during a short outage.

        Raises:
            TaskQueueUnavailableError: The outage lasts; the task is delivered again.
        """
        state = TaskState.FAILED if result is not None and result.is_err else TaskState.FINISHED
        await self._settle(self, Settled.DONE, **_kept(result, state))

    async def retry(self, message: BrokerMessage, delay_seconds: float) -> None:
        """Put a message in its place that waits for so long; see `done`."""
        await self._settle(self, Settled.RETRY, message=message, delay_seconds=delay_seconds)

    async def dead(self, message: BrokerMessage, cause: str, result: TaskiqResult[Any] | None) -> None:
        """Park a message in its place among the dead letters; see `done`."""
        await self._settle(self, Settled.DEAD, message=message, cause=cause, **_kept(result, TaskState.DEAD))

    async def give_back(self) -> None:
        """Let another worker have it at once.

        Raises:
            TaskQueueUnavailableError: Redis does not answer; another has it when the visibility timeout is over.
        """
        await self._give_back(self)


def _kept(result: TaskiqResult[Any] | None, state: TaskState) -> dict[str, Any]:
    return {"result": encode_result(result), "state": state.value} if result is not None else {}
