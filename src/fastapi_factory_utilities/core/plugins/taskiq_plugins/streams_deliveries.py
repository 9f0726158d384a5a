"""A worker's side of the queue: what it fetches, holds, keeps alive, takes over and gives back."""

import asyncio
import os
import platform
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.redis_client.driver_errors import is_unavailable
from fastapi_factory_utilities.core.plugins.taskiq_plugins.claiming import Claiming
from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams import Entry, Settled, Streams, queue_errors
from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams_contact import Contact
from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams_delivery import StreamDelivery
from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams_timing import Timing

__all__ = ["StreamDeliveries"]

_log = get_logger(__name__)

_FETCH: Final = "fetch"
_KEEP: Final = "keep"
_TIDY_EVERY_SECONDS: Final = 60.0


class StreamDeliveries:
    """Tasks as they come: `async with deliveries: async for delivery in deliveries: ...`.

    Never more than `concurrency` that are not settled. What is not settled at the end is given back.

    Args:
        streams: The queue.
        concurrency: How many tasks at most.
        timing: How often what is done.
        result_ttl_seconds: How long results are kept.
    """

    def __init__(self, streams: Streams, *, concurrency: int, timing: Timing, result_ttl_seconds: float) -> None:
        self._streams = streams
        self._concurrency = concurrency
        self._timing = timing
        self._ttl_seconds = result_ttl_seconds
        self._consumer = f"{platform.node()}-{os.getpid()}-{uuid4().hex[:12]}"
        self._held: dict[bytes, StreamDelivery] = {}
        self._arrived: asyncio.Queue[StreamDelivery | None] = asyncio.Queue()
        self._room = asyncio.Event()
        self._is_new, self._in_doubt = True, False
        self._next_claim_at = 0.0

    async def __aenter__(self) -> Self:
        longest = min(1.0, self._timing.visibility_seconds / 6)
        self._contact = Contact(self._streams.prefix, longest_pause_seconds=longest)
        self._claiming = Claiming(self._streams, self._consumer, timing=self._timing, contact=self._contact)
        self._fetching = asyncio.create_task(self._fetch(), name=f"fetch {self._streams.prefix}")
        self._keeping = asyncio.create_task(self._keep(), name=f"keep {self._streams.prefix}")
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in (self._fetching, self._keeping):
            await _end(task)
        self._held.clear()
        self._arrived.put_nowait(None)
        # Redis may be away: then the visibility timeout does it.
        with suppress(Exception):
            async with asyncio.timeout(self._timing.goodbye_seconds):
                await self._streams.leave(self._consumer)

    async def __aiter__(self) -> AsyncIterator[StreamDelivery]:
        while (delivery := await self._arrived.get()) is not None:
            yield delivery
        self._arrived.put_nowait(None)  # for whoever else iterates

    async def pause(self) -> None:
        """Fetch nothing new, and let the iteration end; what is in hand stays in hand."""
        await _end(self._fetching)
        waiting = []
        while not self._arrived.empty():
            if (delivery := self._arrived.get_nowait()) is not None:
                waiting.append(delivery)
        self._arrived.put_nowait(None)
        for delivery in waiting:
            self._forget(delivery)
        with suppress(Exception):  # as at the end
            async with asyncio.timeout(self._timing.goodbye_seconds):
                await self._streams.reconcile(self._consumer, list(self._held))

    # --- fetching ---

    async def _fetch(self) -> None:
        while True:
            if len(self._held) >= self._concurrency:
                self._room.clear()
                await self._room.wait()
            try:
                await self._fetch_once()
            except Exception as error:  # noqa: BLE001 - whatever it is, a worker that stops asking helps nobody
                self._in_doubt = True
                await self._failed(_FETCH, error)
            else:
                self._contact.answered(_FETCH)

    async def _fetch_once(self) -> None:
        loop = asyncio.get_running_loop()
        if self._is_new:  # with nobody else, there may be no group yet, and nothing is wrong
            await self._streams.make_group()
            self._is_new = False
        if self._in_doubt:
            await self._streams.reconcile(self._consumer, list(self._held))
            self._in_doubt = False
        if loop.time() >= self._next_claim_at:
            self._next_claim_at = loop.time() + self._timing.tick_seconds
            for entry in await self._claiming.take_over(self._concurrency - len(self._held)):
                self._take(entry)
        if (room := self._concurrency - len(self._held)) > 0:
            wait = min(self._timing.tick_seconds, self._streams.block_seconds)
            for entry in await self._streams.read(self._consumer, at_most=room, seconds=wait):
                self._take(entry)

    def _take(self, entry: Entry) -> None:
        if entry.key in self._held:  # a group that was made again delivers once more what is in our hands
            return
        delivery = StreamDelivery(entry, settle=self._settle, give_back=self._give_back)
        self._held[entry.key] = delivery
        self._arrived.put_nowait(delivery)

    def _forget(self, delivery: StreamDelivery) -> None:
        if self._held.get(delivery.entry.key) is delivery:
            del self._held[delivery.entry.key]
            self._room.set()

    # --- keeping alive what is held, and the queue in order ---

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        next_beat_at, next_tidy_at = loop.time() + self._timing.beat_seconds, loop.time()
        while True:
            await asyncio.sleep(self._timing.tick_seconds)
            try:
                if loop.time() >= next_beat_at:
                    await self._beat()
                    next_beat_at = loop.time() + self._timing.beat_seconds
                await self._streams.move_due()
                if loop.time() >= next_tidy_at:
                    await self._streams.tidy(idle_seconds=max(600.0, 10 * self._timing.visibility_seconds))
                    next_tidy_at = loop.time() + _TIDY_EVERY_SECONDS
            except Exception as error:  # noqa: BLE001 - likewise
                next_beat_at = loop.time()  # everybody was silent: whose tasks are these?
                await self._failed(_KEEP, error)
            else:
                self._contact.answered(_KEEP)

    async def _beat(self) -> None:
        if not self._held:
            return
        lost = await self._streams.beat(self._consumer, list(self._held))
        deliveries = [delivery for key in lost if (delivery := self._held.get(key)) is not None]
        for delivery in deliveries:
            self._forget(delivery)
            delivery.lost.set()
        if deliveries:
            tasks = [delivery.task_id for delivery in deliveries]
            _log.warning("tasks lost to others", queue=self._streams.prefix, count=len(tasks), tasks=tasks[:10])

    async def _failed(self, loop: str, error: Exception) -> None:
        if "NOGROUP" in str(error):  # a script's error has a prefix of its own
            with suppress(Exception):  # tried again after the next NOGROUP
                if await self._streams.make_group():
                    _log.warning("task queue made again", queue=self._streams.prefix)
                else:  # somebody else was quicker
                    await asyncio.sleep(self._timing.tick_seconds / 10)
                return
        await self._contact.failed(loop, error)

    # --- settling ---

    async def _settle(
        self,
        delivery: StreamDelivery,
        outcome: Settled,
        **given: Any,  # noqa: ANN401 - those of `Streams.settle`
    ) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timing.patience_seconds
        pause, again = 0.05, False
        with queue_errors("settle a task", self._streams.prefix):
            while True:
                try:
                    async with asyncio.timeout(self._timing.answer_seconds):
                        await self._streams.settle(
                            delivery.entry,
                            outcome,
                            consumer=self._consumer,
                            again=again,
                            ttl_seconds=self._ttl_seconds,
                            **given,
                        )
                except Exception as error:
                    again = True
                    if not is_unavailable(error) or loop.time() + pause > deadline:
                        self._forget(delivery)
                        raise
                else:
                    self._forget(delivery)
                    return
                await asyncio.sleep(pause)
                pause = min(2 * pause, 1.0)

    async def _give_back(self, delivery: StreamDelivery) -> None:
        self._forget(delivery)
        with queue_errors("take a task back", self._streams.prefix):
            async with asyncio.timeout(self._timing.answer_seconds):
                await self._streams.give_back(self._consumer, [delivery.entry.key])


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])  # and not the task itself: whoever stops us may be cancelled, too
