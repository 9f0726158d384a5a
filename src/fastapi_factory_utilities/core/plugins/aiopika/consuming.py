"""Messages of a queue, handled so many at once: begun, paused, finished or given back."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.aiopika.consuming_delivery import Delivery
from fastapi_factory_utilities.core.plugins.aiopika.consuming_settling import Settling
from fastapi_factory_utilities.core.plugins.work import Work

if TYPE_CHECKING:
    from aiormq.abc import AbstractChannel, DeliveredMessage

__all__ = ["Consuming"]

_log = get_logger(__name__)

_KIND: Final = "messages"
_RPC_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 1.0
_GOODBYE_SECONDS: Final = 1.0
_LAST_WORD_SECONDS: Final = 0.2  # of a plugin that outlasted its share of the grace period
_LOOK_SECONDS: Final = 0.25
_AFTER_BUG_SECONDS: Final = 1.0


class Consuming:
    """Takes a queue's messages from one channel after another, and hands them to a handler.

    Handlers run in tasks of their own: a line that breaks does not end them. What they settle then is too late, and the
    broker delivers it again.

    Args:
        handle: Handles one delivery, and settles it.
        queue: The queue's name.
        prefetch: How many messages the broker hands out before they are settled.
        concurrency: How many are handled at once.
        work: Where they are counted.
    """

    def __init__(
        self, handle: Callable[[Delivery], Awaitable[None]], *, queue: str, prefetch: int, concurrency: int, work: Work
    ) -> None:
        self._handle = handle
        self._queue = queue
        self._prefetch = prefetch
        self._concurrency = concurrency
        self._work = work
        self._paused = False
        self._waiting: deque[Delivery] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._channel: AbstractChannel | None = None
        self._settling: Settling | None = None
        self._tag: str | None = None

    @property
    def is_paused(self) -> bool:
        """Whether it takes nothing new any more."""
        return self._paused

    @property
    def in_flight(self) -> int:
        """How many messages are being handled."""
        return len(self._running)

    @property
    def is_consuming(self) -> bool:
        """Whether the broker sends messages here."""
        channel = self._channel
        # The driver forgets a consumer that the broker has cancelled, because its queue is gone for example.
        return channel is not None and not channel.is_closed and self._tag in getattr(channel, "consumers", ())

    async def begin(self, channel: "AbstractChannel") -> None:
        """Consume from a channel; what was handed out by the one before it is delivered again.

        Raises:
            aiormq.exceptions.AMQPError: The broker refused; there is no such queue, for example.
            TimeoutError: It did not answer.
        """
        settling = Settling(channel)
        self._waiting.clear()
        self._channel, self._settling, self._tag = channel, settling, None

        async def deliver(message: "DeliveredMessage") -> None:
            delivery = Delivery(message, settling)
            settling.opened(delivery.delivery_tag)
            if len(self._running) < self._concurrency and not self._paused:
                self._begin(delivery)
            elif settling is self._settling:
                self._waiting.append(delivery)

        await channel.basic_qos(prefetch_count=self._prefetch, timeout=_RPC_SECONDS)
        consuming = await channel.basic_consume(self._queue, deliver, timeout=_RPC_SECONDS)
        self._tag = consuming.consumer_tag
        if self._paused:
            await self._leave()

    async def lost(self) -> None:
        """Wait until the broker sends no messages here any more."""
        channel = self._channel
        if channel is None:
            return
        closing = channel.closing
        while self.is_consuming:
            # Also on a queue that was deleted the channel stays open: one has to look.
            await asyncio.wait({closing}, timeout=_LOOK_SECONDS)
        if closing.done() and not closing.cancelled():
            closing.exception()  # otherwise asyncio reports that nobody asked

    async def pause(self) -> None:
        """Take nothing new; what has not begun is given back, what has goes on."""
        if not self._paused:
            self._paused = True
            await self._leave()

    async def finished(self) -> None:
        """Wait for what is in flight."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def give_back(self) -> None:
        """Cancel what is in flight, so that others get it; what ignores that is left behind."""
        self._paused = True
        for task in self._running:
            task.cancel()
        if self._running:
            _log.warning("handlers cancelled, their messages given back", queue=self._queue, count=len(self._running))
            await asyncio.wait(set(self._running), timeout=_LAST_WORD_SECONDS)
        await self.close(_LAST_WORD_SECONDS / 2)

    async def close(self, seconds: float = _GOODBYE_SECONDS) -> None:
        """Close the channel: what is not settled by then is delivered to others.

        Args:
            seconds: How long that may take.
        """
        channel, settling = self._channel, self._settling
        if channel is None or settling is None or channel.is_closed:
            return
        try:
            async with asyncio.timeout(seconds):
                await settling.flushed()
                await channel.close()
        except Exception as error:  # noqa: BLE001 - the line is dead: then the broker knows, too
            _log.debug("channel could not be closed", queue=self._queue, error=type(error).__name__)

    def _begin(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._run(delivery), name=self._queue)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if self._waiting and not self._paused:
            self._begin(self._waiting.popleft())

    async def _run(self, delivery: Delivery) -> None:
        try:
            with self._work.of(_KIND):
                await self._handle(delivery)
        except asyncio.CancelledError:
            await delivery.nack()
        except Exception as error:  # noqa: BLE001 - nobody else would see it, and the message must not be kept
            _log.error("message could not be settled", queue=self._queue, exc_info=error)
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(_AFTER_BUG_SECONDS)
            await delivery.nack()

    async def _leave(self) -> None:
        channel, tag = self._channel, self._tag
        if channel is None or channel.is_closed or tag is None:
            self._waiting.clear()
            return
        try:
            # First this: what is given back to a queue that is consumed from comes again at once.
            await channel.basic_cancel(tag, timeout=_PAUSE_SECONDS)
        except Exception as error:  # noqa: BLE001 - the line is dead: then the broker knows, too
            _log.debug("consumer could not be cancelled", queue=self._queue, error=type(error).__name__)
        while self._waiting:
            await self._waiting.popleft().nack()
