"""A queue of tasks in Redis: its keys, and everything that is ever said to Redis about them.

A task is an entry of a stream that a consumer group reads. It is in the hands of one consumer until that one settles
it, and for as long as that one says, often enough, that it still works on it. It is never trimmed: a queue that is full
refuses, and what is settled is removed.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, cast

from fastapi_factory_utilities.core.plugins.redis_client import redis_errors
from fastapi_factory_utilities.core.plugins.redis_client.errors import RedisUnavailableError
from fastapi_factory_utilities.core.plugins.taskiq_plugins import required  # noqa: F401 - says how to install the rest

# isort: split
from redis.asyncio import Redis
from redis.exceptions import ResponseError
from taskiq import BrokerMessage

from fastapi_factory_utilities.core.plugins.taskiq_plugins import streams_scripts as scripts
from fastapi_factory_utilities.core.plugins.taskiq_plugins.errors import TaskQueueFullError, TaskQueueUnavailableError

__all__ = ["Entry", "Settled", "Streams", "queue_errors"]

GROUP: Final = "workers"
# How long ago a task that was given back was last worked on, in the eyes of `CLAIM`; see `GIVE_BACK`.
RETURNED_IDLE_SECONDS: Final = 900_000.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One task as Redis delivers it.

    Attributes:
        key: Its entry in the stream.
        task_id: Its id.
        task_name: Its name.
        data: Its message.
        times: How often it was delivered, this time included.
    """

    key: bytes
    task_id: str
    task_name: str
    data: bytes
    times: int


class Settled(StrEnum):
    """What became of a delivery."""

    DONE = "done"
    RETRY = "retry"
    DEAD = "dead"


@contextmanager
def queue_errors(operation: str, queue: str) -> Iterator[None]:
    """Turn an outage of Redis into the error of a queue that does not answer.

    Args:
        operation: What is asked of it, for the error.
        queue: The queue's name.

    Raises:
        TaskQueueUnavailableError: Redis did not answer in time, or takes no writes now.
    """
    try:
        with redis_errors(operation):
            yield
    except RedisUnavailableError as error:
        raise TaskQueueUnavailableError(
            f"the task queue {queue!r} could not {operation}: Redis does not answer, or takes no writes now; "
            f"see the component's health",
            queue=queue,
            operation=operation,
        ) from error.__cause__


class Streams:
    """The queue's keys and scripts.

    Args:
        client: A client of Redis; it is not closed here.
        prefix: What all keys begin with.
        longest: How many tasks may wait or run.
        most_dead: How many given-up tasks are kept; the oldest are forgotten first.
    """

    def __init__(self, client: Redis, prefix: str, *, longest: int, most_dead: int) -> None:
        self.client = client
        self.prefix = prefix
        self._longest = longest
        self._most_dead = most_dead
        self.stream: str = f"{prefix}:stream"
        self.index: str = f"{prefix}:index"
        self.later: str = f"{prefix}:later"
        self.dead: str = f"{prefix}:dead"
        self.dead_data: str = f"{prefix}:dead:data"
        self._scripts = {name: client.register_script(getattr(scripts, name)) for name in scripts.__all__}

    def result_key(self, task_id: str) -> str:
        """Where a task's result is."""
        return f"{self.prefix}:result:{task_id}"

    @property
    def block_seconds(self) -> float:
        """How long a read may wait on the server: an answer that takes longer than the client waits is an error."""
        patience = self.client.connection_pool.connection_kwargs.get("socket_timeout")
        return min(1.0, patience / 2) if patience else 1.0

    async def make_group(self) -> bool:
        """Make the consumer group, which reads from the stream's beginning; whether it was missing."""
        try:
            await self.client.xgroup_create(self.stream, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
            return False
        return True

    async def add(
        self,
        message: BrokerMessage,
        *,
        at_ms: int | None = None,
        guard: str = "",
        guard_seconds: float = 0.0,
        replicas: int = 0,
        seconds: float,
    ) -> bool:
        """Store a task.

        Args:
            message: The task.
            at_ms: When it is to be delivered, in ms since the epoch; None is now.
            guard: What keeps it from being stored again for `guard_seconds`.
            guard_seconds: See `guard`.
            replicas: How many replicas must have it.
            seconds: How long storing it may take.

        Returns:
            Whether it was stored; False is the guard.

        Raises:
            TaskQueueFullError: So many wait already.
            TaskQueueUnavailableError: Redis did not answer in time.
        """
        keys = [self.stream, self.index, self.later, f"{self.prefix}:{guard}"]
        when = "" if at_ms is None else at_ms
        lifetime = max(1, round(guard_seconds * 1000)) if guard else ""
        arguments: list[str | bytes | int] = [
            self._longest,
            message.task_id,
            message.task_name,
            message.message,
            when,
            lifetime,
        ]
        with queue_errors("take a task", self.prefix):
            async with asyncio.timeout(seconds):
                if replicas:
                    outcome, copies = await self._add_and_wait(keys, arguments, replicas, seconds)
                else:
                    outcome, copies = await self._scripts["ADD"](keys, arguments), 0
        if outcome < 0:
            raise TaskQueueFullError(
                f"the task queue {self.prefix!r} has {self._longest} tasks already and takes no more: "
                f"see that workers run, add some, or raise taskiq.max_stream_length",
                queue=self.prefix,
                longest=self._longest,
            )
        if copies < replicas and outcome:
            raise TaskQueueUnavailableError(
                f"the task queue {self.prefix!r} has the task, but only {copies} of {replicas} replicas confirmed it: "
                f"it may be lost with the primary; see the replicas' health",
                queue=self.prefix,
                copies=copies,
            )
        return bool(outcome)

    async def _add_and_wait(
        self, keys: Sequence[str], arguments: Sequence[Any], replicas: int, seconds: float
    ) -> tuple[int, int]:
        """WAIT speaks of what its own connection has written, so both commands go over one."""
        async with self.client.pipeline(transaction=False) as pipe:
            await self._scripts["ADD"](keys, arguments, client=pipe)
            pipe.execute_command("WAIT", replicas, max(1, int(seconds * 1000 / 2)))
            outcome, copies = await pipe.execute()
        return int(outcome), int(copies)

    async def read(self, consumer: str, *, at_most: int, seconds: float) -> list[Entry]:
        """Take tasks that nobody has had yet; wait for the first for so long."""
        reply: Any = await self.client.xreadgroup(
            GROUP, consumer, {self.stream: ">"}, count=at_most, block=max(1, int(seconds * 1000))
        )
        entries = reply[0][1] if reply else []
        return [_entry(key, fields, 1) for key, fields in entries]

    async def claim(
        self, consumer: str, *, idle_seconds: float, at_most: int, latest_ms: float
    ) -> tuple[int, list[Entry]]:
        """Take over tasks whose consumers have been silent for so long.

        Returns:
            The server's time in ms, and the tasks: none when it was later than `latest_ms`.
        """
        now, *found = await self._scripts["CLAIM"](
            [self.stream], [GROUP, consumer, int(idle_seconds * 1000), at_most, int(latest_ms)]
        )
        return now, [_entry(key, dict(zip(flat[::2], flat[1::2], strict=True)), times) for key, times, flat in found]

    async def beat(self, consumer: str, keys: Sequence[bytes]) -> list[bytes]:
        """Say that we still work on these; return those that another consumer has now."""
        return cast("list[bytes]", await self._scripts["BEAT"]([self.stream], [GROUP, consumer, *keys]))

    async def give_back(self, consumer: str, keys: Sequence[bytes]) -> None:
        """Let others have these at once."""
        await self._scripts["GIVE_BACK"]([self.stream], [GROUP, consumer, *keys])

    async def reconcile(self, consumer: str, keys: Sequence[bytes]) -> int:
        """Give back what Redis believes us to have beside these; return how many."""
        return int(await self._scripts["RECONCILE"]([self.stream], [GROUP, consumer, "stay", *keys]))

    async def leave(self, consumer: str) -> int:
        """Give back all that the consumer has, and forget it; return how many."""
        return int(await self._scripts["RECONCILE"]([self.stream], [GROUP, consumer, "leave"]))

    async def move_due(self) -> int:
        """Put delayed tasks whose time has come in the stream; return how many."""
        return int(await self._scripts["MOVE_DUE"]([self.stream, self.index, self.later], [100]))

    async def tidy(self, *, idle_seconds: float) -> None:
        """Forget consumers that are gone."""
        await self._scripts["TIDY"]([self.stream], [GROUP, int(idle_seconds * 1000)])

    async def settle(
        self,
        entry: Entry,
        outcome: Settled,
        *,
        consumer: str,
        again: bool = False,
        message: BrokerMessage | None = None,
        delay_seconds: float = 0.0,
        cause: str = "",
        result: bytes = b"",
        state: str = "",
        ttl_seconds: float = 0.0,
    ) -> None:
        """End a delivery, and keep its result, in one step.

        Args:
            entry: The delivery.
            outcome: What became of it.
            consumer: Who had it.
            again: Whether the same was tried before, and may have been done.
            message: What takes its place, for `RETRY` and `DEAD`.
            delay_seconds: How long that waits.
            cause: Why it is given up.
            result: Its result; empty is none.
            state: What `TaskState` says then.
            ttl_seconds: How long the result is kept.
        """
        name, data = (message.task_name, message.message) if message is not None else (entry.task_name, entry.data)
        await self._scripts["SETTLE"](
            [self.stream, self.index, self.later, self.dead, self.dead_data, self.result_key(entry.task_id)],
            [
                GROUP,
                entry.key,
                entry.task_id,
                result,
                state,
                max(1, int(ttl_seconds * 1000)),
                outcome.value,
                name,
                data,
                int(delay_seconds * 1000),
                cause,
                entry.times,
                self._most_dead,
                consumer,
                int(again),
            ],
        )

    async def list_dead(self, at_most: int) -> list[tuple[bytes, int, bytes, bytes, int]]:
        """The newest given-up tasks: id, when in ms, name, cause, deliveries."""
        found = await self._scripts["LIST_DEAD"]([self.dead, self.dead_data], [at_most])
        return [tuple(task) for task in found]

    async def dead_ids(self) -> list[str]:
        """The ids of all given-up tasks, the oldest first."""
        found: Any = await self.client.zrange(self.dead, 0, -1)
        return [task_id.decode() for task_id in found]

    async def requeue_dead(self, task_id: str) -> bool:
        """Send a given-up task again; whether there was one."""
        keys = [self.stream, self.index, self.later, self.dead, self.dead_data, self.result_key(task_id)]
        return bool(await self._scripts["REQUEUE_DEAD"](keys, [task_id]))

    async def delete_dead(self, task_id: str) -> bool:
        """Forget a given-up task; whether there was one."""
        return bool(await self._scripts["DELETE_DEAD"]([self.dead, self.dead_data], [task_id]))


def _entry(key: bytes, fields: Mapping[bytes, bytes], times: int) -> Entry:
    """Read an entry; one that somebody else wrote has an empty message, which no worker can read."""
    task_id, name = fields.get(b"id", key).decode(errors="replace"), fields.get(b"name", b"").decode(errors="replace")
    return Entry(key, task_id, name, fields.get(b"data", b""), times)
