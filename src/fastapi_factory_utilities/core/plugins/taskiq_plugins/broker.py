"""The queue in Redis as a broker of Taskiq."""

import math
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial

from fastapi_factory_utilities.core.plugins.taskiq_plugins import required  # noqa: F401 - says how to install the rest

# isort: split
from redis.asyncio import Redis
from taskiq import AckableMessage, AsyncBroker, BrokerMessage

from fastapi_factory_utilities.core.plugins.taskiq_plugins.dead_letters import DeadLetters
from fastapi_factory_utilities.core.plugins.taskiq_plugins.results import RedisResults
from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams import Streams, queue_errors
from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams_deliveries import StreamDeliveries
from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams_timing import Timing

__all__ = ["StreamBroker"]

_LISTENERS_CONCURRENCY = 100


class StreamBroker(AsyncBroker):
    """Tasks in a Redis stream that nobody loses; see `streams` for how.

    A task is delivered at least once: again, when its worker died or was silent for longer than the visibility timeout.

    Args:
        client: A client of Redis; it is not closed here.
        queue: What all keys begin with; best a name in braces, so that they live in one slot: `{tasks:books}`.
        visibility_timeout_seconds: How long a worker may be silent before its tasks are handed to another.
        max_stream_length: How many tasks may wait or run; a full queue refuses.
        result_ttl_seconds: How long results are kept.
        max_dead_letters: How many given-up tasks are kept; the oldest are forgotten first.
        send_timeout_seconds: How long storing a task may take.
        replicas: How many replicas of Redis must confirm a task before it counts as stored (`WAIT`).
    """

    def __init__(
        self,
        client: Redis,
        *,
        queue: str,
        visibility_timeout_seconds: float = 30.0,
        max_stream_length: int = 100_000,
        result_ttl_seconds: float = 86_400.0,
        max_dead_letters: int = 10_000,
        send_timeout_seconds: float = 3.0,
        replicas: int = 0,
    ) -> None:
        super().__init__()
        self._streams = Streams(client, queue, longest=max_stream_length, most_dead=max_dead_letters)
        self._timing = Timing(visibility_timeout_seconds)
        self._result_ttl_seconds = result_ttl_seconds
        self._add = partial(self._streams.add, replicas=replicas, seconds=send_timeout_seconds)
        self.results: RedisResults = RedisResults(self._streams, ttl_seconds=result_ttl_seconds)
        self.result_backend: RedisResults = self.results
        self.dead_letters: DeadLetters = DeadLetters(self._streams)

    @property
    def prefix(self) -> str:
        """What all its keys begin with."""
        return self._streams.prefix

    async def prepare(self) -> None:
        """Make the consumer group; bears repetition.

        Raises:
            TaskQueueUnavailableError: Redis does not answer.
        """
        with queue_errors("make its consumer group", self.prefix):
            await self._streams.make_group()

    async def kick(self, message: BrokerMessage) -> None:
        """Return when the task is stored.

        Raises:
            TaskQueueFullError: So many wait already.
            TaskQueueUnavailableError: Redis did not answer in time; the task may be stored all the same.
        """
        await self._add(message)

    async def kick_at(self, message: BrokerMessage, at: datetime) -> None:
        """Return when the task is stored, to be delivered then.

        Args:
            message: The task.
            at: When, aware.

        Raises:
            TaskQueueFullError: So many wait already.
            TaskQueueUnavailableError: Redis did not answer in time; the task may be stored all the same.
        """
        await self._add(message, at_ms=math.ceil(at.timestamp() * 1000))

    async def kick_once(self, message: BrokerMessage, *, guard: str, ttl_seconds: float) -> bool:
        """Store the task unless one was stored under this guard before, in one step.

        Args:
            message: The task.
            guard: What it is about, such as a schedule and the time it is due.
            ttl_seconds: How long the guard is remembered.

        Returns:
            Whether it was stored now.

        Raises:
            TaskQueueFullError: So many wait already; the guard is not taken.
            TaskQueueUnavailableError: Redis did not answer in time; the task may be stored all the same.
        """
        return await self._add(message, guard=guard, guard_seconds=ttl_seconds)

    def deliveries(self, *, concurrency: int) -> AbstractAsyncContextManager[StreamDeliveries]:
        """Take tasks, never more than so many that are not settled."""
        return StreamDeliveries(
            self._streams, concurrency=concurrency, timing=self._timing, result_ttl_seconds=self._result_ttl_seconds
        )

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        """Taskiq's own receiver, should somebody run it: a message is its until it is acknowledged."""
        async with self.deliveries(concurrency=_LISTENERS_CONCURRENCY) as deliveries:
            async for delivery in deliveries:
                yield AckableMessage(data=delivery.data, ack=partial(delivery.done, None))
