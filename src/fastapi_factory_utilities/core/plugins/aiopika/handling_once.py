"""An inbox as a handler needs it: patient while it is away, and never in the way of a message."""

import asyncio
from collections.abc import Callable
from typing import Final

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.aiopika.handling_failures import FailureLog
from fastapi_factory_utilities.core.plugins.errors import PluginNotActiveError
from fastapi_factory_utilities.core.plugins.inbox import Claim, Inbox

__all__ = ["Once"]

_log = get_logger(__name__)

_AWAY: Final = (BackendUnavailableError, PluginNotActiveError)
_FIRST_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 2.0
_DONE_TRIES: Final = 3
_RELEASE_SECONDS: Final = 1.0


class Once:
    """Claims messages in an inbox.

    Args:
        find_inbox: Returns what remembers the messages; called each time, since the plugin that provides it may start
            later than the listener, and stop earlier.
        queue: The queue whose messages these are; what was processed for one queue is new to another.
        failures: Where failures are told.
    """

    def __init__(self, find_inbox: Callable[[], Inbox], queue: str, failures: FailureLog) -> None:
        self._find_inbox = find_inbox
        self._queue = queue
        self._failures = failures

    async def claim(self, message_id: str) -> Claim:
        """Claim a message; waits for as long as the inbox is away, since nothing may be handled without it."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._find_inbox().claim(self._key(message_id))
            except _AWAY as error:
                self._tell("inbox unavailable, messages wait", error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def done(self, message_id: str) -> None:
        """Remember a message as processed; gives up after a few attempts, since its effect is there already."""
        for attempt in range(_DONE_TRIES):
            try:
                return await self._find_inbox().done(self._key(message_id))
            except _AWAY as error:
                if attempt + 1 == _DONE_TRIES:
                    self._tell("message processed but not remembered", error)
            await asyncio.sleep(_FIRST_PAUSE_SECONDS)
        return None

    async def release(self, message_id: str) -> None:
        """Give a claim back; where that fails it ends with its lease."""
        try:
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._find_inbox().release(self._key(message_id))
        except (*_AWAY, TimeoutError) as error:
            _log.debug("claim not given back, it ends with its lease", queue=self._queue, error=type(error).__name__)

    def _key(self, message_id: str) -> str:
        return f"{self._queue}:{message_id}"

    def _tell(self, event: str, error: Exception) -> None:
        self._failures.tell(_log.warning, event, event, queue=self._queue, reason=str(error))
