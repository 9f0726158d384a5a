"""The question that health asks the broker, on a channel of its own."""

import asyncio
from typing import TYPE_CHECKING

from fastapi_factory_utilities.core.plugins.aiopika.driver_calls import own_cancellations

if TYPE_CHECKING:
    from aiormq.abc import AbstractChannel

    from fastapi_factory_utilities.core.plugins.aiopika.line import Line

__all__ = ["Question"]


class Question:
    """Asks over one line, one question at a time: a late answer is an answer to whoever asks meanwhile.

    The driver closes a channel whose call is cancelled, so that a broker that is only slow would have to open another
    one for every question.

    Args:
        line: Where to ask.
        patience_seconds: After how long without an answer the line is cut: it may lead nowhere.
    """

    def __init__(self, line: "Line", patience_seconds: float) -> None:
        self.line = line
        self._patience_seconds = patience_seconds
        self._channel: AbstractChannel | None = None
        self._asking: asyncio.Task[None] | None = None

    async def ask(self) -> None:
        """Return when the broker has answered.

        Raises:
            AMQPError: The line was lost.
            TimeoutError: There was no answer for too long; the line is cut.
        """
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(), name="amqp question")
            self._asking.add_done_callback(_look_at)
        await asyncio.shield(self._asking)

    def close(self) -> None:
        """Wait for no answer any more."""
        if self._asking is not None:
            self._asking.cancel()

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(self._patience_seconds):
                with own_cancellations():
                    if self._channel is None or self._channel.is_closed:
                        self._channel = await self.line.underlay.channel(publisher_confirms=False)
                    # It changes nothing: nobody consumes on this channel. The broker's channel process answers it.
                    await self._channel.basic_qos(prefetch_count=1)
        except TimeoutError:
            self.line.cut()
            raise TimeoutError(f"the broker gave no answer for {self._patience_seconds:g} s") from None


def _look_at(asking: asyncio.Task[None]) -> None:
    if not asking.cancelled():
        asking.exception()  # whoever asked may have gone; asyncio would report that nobody looked
