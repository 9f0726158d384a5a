"""The queue in memory: the same promises for as long as the process lives, and no Redis."""

import asyncio
import heapq
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from fastapi_factory_utilities.core.plugins.taskiq_plugins import required  # noqa: F401 - says how to install the rest

# isort: split
from taskiq import AckableMessage, AsyncBroker, AsyncResultBackend, BrokerMessage

from fastapi_factory_utilities.core.plugins.taskiq_plugins.errors import TaskQueueFullError
from fastapi_factory_utilities.core.plugins.taskiq_plugins.memory_keeping import (
    MemoryDeadLetters,
    MemoryDelivery,
    MemoryResults,
)

__all__ = ["MemoryBroker", "MemoryDeliveries"]


class MemoryBroker(AsyncBroker):
    """A broker of Taskiq whose tasks wait in this process.

    Args:
        prefix: Its name.
        longest: How many tasks may wait or run; a full queue refuses.
    """

    def __init__(self, prefix: str = "memory", *, longest: int = 100_000) -> None:
        super().__init__()
        self.prefix = prefix
        self.result_backend: AsyncResultBackend[Any] = MemoryResults()
        self.dead_letters: MemoryDeadLetters = MemoryDeadLetters(self)
        self._longest = longest
        self._ready: deque[tuple[BrokerMessage, int]] = deque()
        self._later: list[tuple[float, int, BrokerMessage]] = []
        self._order = 0
        self._guards: dict[str, float] = {}
        self._held: set[MemoryDelivery] = set()
        self._changed = asyncio.Event()

    async def prepare(self) -> None:
        """Nothing has to be made."""

    async def kick(self, message: BrokerMessage) -> None:
        """Store a task.

        Raises:
            TaskQueueFullError: So many wait already.
        """
        self._check_room()
        self.put(message)

    async def kick_at(self, message: BrokerMessage, at: datetime) -> None:
        """Store a task for later.

        Raises:
            TaskQueueFullError: So many wait already.
        """
        self._check_room()
        self.put(message, delay_seconds=(at - datetime.now(UTC)).total_seconds())

    async def kick_once(self, message: BrokerMessage, *, guard: str, ttl_seconds: float) -> bool:
        """Store a task unless one was stored under this guard before.

        Raises:
            TaskQueueFullError: So many wait already; the guard is not taken.
        """
        now = self._now()
        self._guards = {name: end for name, end in self._guards.items() if end > now}
        if guard in self._guards:
            return False
        await self.kick(message)
        self._guards[guard] = now + ttl_seconds
        return True

    @asynccontextmanager
    async def deliveries(self, *, concurrency: int) -> AsyncIterator["MemoryDeliveries"]:
        """Take tasks, never more than so many that are not settled; those are given back at the end."""
        deliveries = MemoryDeliveries(self, concurrency)
        try:
            yield deliveries
        finally:
            await deliveries.pause()
            for delivery in deliveries.held():
                await delivery.give_back()

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        """Taskiq's own receiver, should somebody run it."""
        async with self.deliveries(concurrency=self._longest) as deliveries:
            async for delivery in deliveries:
                yield AckableMessage(data=delivery.data, ack=partial(self.settle, delivery))

    async def join(self) -> None:
        """Wait until no task is left; those that wait for their time, or for another attempt, are run at once.

        Somebody must be running them.
        """
        while self._ready or self._later or self._held:
            if not self._ready and not self._held:
                self._hasten()
            self._changed.clear()
            await self._changed.wait()

    # What deliveries do

    def put(self, message: BrokerMessage, *, delay_seconds: float = 0.0, times: int = 0) -> None:
        """Let a task wait."""
        if delay_seconds > 0:
            self._order += 1
            heapq.heappush(self._later, (self._now() + delay_seconds, self._order, message))
        else:
            self._ready.append((message, times))
        self._changed.set()

    def take(self) -> MemoryDelivery | None:
        """Hand out the next task, if one is ready."""
        while self._later and self._later[0][0] <= self._now():
            self._ready.append((heapq.heappop(self._later)[2], 0))
        if not self._ready:
            return None
        message, times = self._ready.popleft()
        delivery = MemoryDelivery(self, message, times + 1)
        self._held.add(delivery)
        return delivery

    def settle(self, delivery: MemoryDelivery) -> None:
        """Take note that a task is done with."""
        self._held.discard(delivery)
        self._changed.set()

    def holds(self, delivery: MemoryDelivery) -> bool:
        """Whether a delivery is not settled yet."""
        return delivery in self._held

    def wake(self) -> None:
        """Let those who wait look again."""
        self._changed.set()

    async def wait_for_change(self, *, has_room: bool) -> None:
        """Wait until something was put or settled, or, with room for it, until the next delayed task is due."""
        self._changed.clear()
        seconds = max(0.0, self._later[0][0] - self._now()) if self._later and has_room else None
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def _hasten(self) -> None:
        self._ready.extend((message, 0) for _, _, message in sorted(self._later, key=lambda each: each[:2]))
        self._later.clear()
        self._changed.set()

    def _check_room(self) -> None:
        if len(self._ready) + len(self._later) + len(self._held) >= self._longest:
            raise TaskQueueFullError(
                f"the task queue {self.prefix} is full: {self._longest} tasks wait; run more workers, or raise "
                f"taskiq.max_stream_length",
                queue=self.prefix,
            )

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


class MemoryDeliveries:
    """See `Deliveries`."""

    def __init__(self, broker: MemoryBroker, concurrency: int) -> None:
        self._broker = broker
        self._concurrency = concurrency
        self._taken: list[MemoryDelivery] = []
        self._paused = False

    def held(self) -> list[MemoryDelivery]:
        """What is not settled."""
        self._taken = [delivery for delivery in self._taken if self._broker.holds(delivery)]
        return self._taken

    async def __aiter__(self) -> AsyncIterator[MemoryDelivery]:
        while not self._paused:
            has_room = len(self.held()) < self._concurrency
            delivery = self._broker.take() if has_room else None
            if delivery is None:
                await self._broker.wait_for_change(has_room=has_room)
            else:
                self._taken.append(delivery)
                yield delivery

    async def pause(self) -> None:
        """Fetch nothing new."""
        self._paused = True
        self._broker.wake()
