"""Taking over the tasks of workers that have died."""

import asyncio

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams import RETURNED_IDLE_SECONDS, Entry, Streams
from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams_contact import Contact
from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams_timing import Timing

__all__ = ["Claiming"]

_log = get_logger(__name__)


class Claiming:
    """Looks for tasks whose workers have been silent for the visibility timeout, or have given them back.

    A worker is silent as well when Redis is away or hangs, so silence only counts when Redis has answered for a while,
    and when it gets to our question in time.

    Args:
        streams: The queue.
        consumer: Who takes over.
        timing: How long is silent, a while, in time.
        contact: Whether Redis answers.
    """

    def __init__(self, streams: Streams, consumer: str, *, timing: Timing, contact: Contact) -> None:
        self._streams = streams
        self._consumer = consumer
        self._timing = timing
        self._contact = contact
        self._server_ms, self._server_ms_at = 0.0, 0.0

    async def take_over(self, at_most: int) -> list[Entry]:
        """Take over so many at most; the first time, only learn the server's time."""
        loop = asyncio.get_running_loop()
        is_settled = self._contact.steady_seconds() >= self._timing.settling_seconds
        server_ms, entries = await self._streams.claim(
            self._consumer,
            idle_seconds=self._timing.visibility_seconds if is_settled else RETURNED_IDLE_SECONDS,
            at_most=at_most,
            latest_ms=self._latest_ms(loop.time()) if self._server_ms else 0.0,
        )
        self._server_ms, self._server_ms_at = float(server_ms), loop.time()
        if taken_over := [entry.task_id for entry in entries if entry.times > 1]:
            _log.warning("tasks taken over", queue=self._streams.prefix, count=len(taken_over), tasks=taken_over[:10])
        return entries

    def _latest_ms(self, now: float) -> float:
        """The server's time, as far as we can tell, and what a healthy one may be late."""
        return self._server_ms + (now - self._server_ms_at + self._timing.lateness_seconds) * 1000
