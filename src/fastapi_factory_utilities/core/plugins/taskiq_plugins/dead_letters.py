"""Tasks that were given up: to be looked at, sent again, or forgotten."""

from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams import Streams, queue_errors

__all__ = ["DeadLetters", "DeadTask"]


@dataclass(frozen=True, slots=True)
class DeadTask:
    """A task that was given up.

    Attributes:
        task_id: Its id.
        task_name: Its name.
        at: When it was given up.
        cause: Why, in a few words.
        times: How often it had been delivered by then.
    """

    task_id: str
    task_name: str
    at: datetime
    cause: str
    times: int


class DeadLetters:
    """A queue's given-up tasks; when there are too many, the oldest are forgotten.

    Every method raises `TaskQueueUnavailableError` when Redis does not answer in time.

    Args:
        streams: The queue.
    """

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    async def count(self) -> int:
        """How many there are."""
        with queue_errors("count the dead letters", self._streams.prefix):
            return int(await self._streams.client.zcard(self._streams.dead))

    async def list(self, limit: int = 100) -> list[DeadTask]:
        """The newest, at most so many."""
        with queue_errors("list the dead letters", self._streams.prefix):
            found = await self._streams.list_dead(limit)
        return [
            DeadTask(task_id.decode(), name.decode(), datetime.fromtimestamp(at / 1000, UTC), cause.decode(), times)
            for task_id, at, name, cause, times in found
        ]

    async def requeue(self, task_id: str) -> bool:
        """Send one again; whether there was one of that id."""
        with queue_errors("send a dead letter again", self._streams.prefix):
            return await self._streams.requeue_dead(task_id)

    async def requeue_all(self) -> int:
        """Send all again, the oldest first; return how many."""
        with queue_errors("send the dead letters again", self._streams.prefix):
            return sum([await self._streams.requeue_dead(task_id) for task_id in await self._streams.dead_ids()])

    async def delete(self, task_id: str) -> bool:
        """Forget one; whether there was one of that id."""
        with queue_errors("forget a dead letter", self._streams.prefix):
            return await self._streams.delete_dead(task_id)

    async def purge(self) -> int:
        """Forget all; return how many."""
        with queue_errors("forget the dead letters", self._streams.prefix):
            async with self._streams.client.pipeline(transaction=True) as pipe:
                pipe.zcard(self._streams.dead)
                pipe.delete(self._streams.dead, self._streams.dead_data)
                count, _ = await pipe.execute()
        return int(count)
