"""Whether Redis answers the loops of a worker: told once when it stops, and once when it does again."""

import asyncio
import random

from fastapi_factory_utilities.core.logs import get_logger

__all__ = ["Contact"]

_log = get_logger(__name__)

_FIRST_PAUSE_SECONDS = 0.05
_QUIET_SECONDS = 2.0  # a line that comes and goes may not fill the log


class Contact:
    """Shared by the loops of one worker; each has a name.

    Args:
        queue: The queue's name, for the log.
        longest_pause_seconds: How long a loop pauses between two tries, at most.
    """

    def __init__(self, queue: str, *, longest_pause_seconds: float) -> None:
        self._queue = queue
        self._longest = longest_pause_seconds
        self._failures: dict[str, int] = {}
        self._since = asyncio.get_running_loop().time()
        self._told_at = self._since - _QUIET_SECONDS
        self._is_told = False

    def steady_seconds(self) -> float:
        """For how long every loop has been answered now; 0 during an outage."""
        return 0.0 if self._failures else asyncio.get_running_loop().time() - self._since

    def answered(self, loop: str) -> None:
        """A loop was answered."""
        if self._failures.pop(loop, None) is None or self._failures:
            return
        self._since = asyncio.get_running_loop().time()
        if self._is_told:
            self._is_told = False
            _log.info("task queue back", queue=self._queue)

    async def failed(self, loop: str, error: Exception) -> None:
        """A loop was not answered, or with an error: tell it if nobody did, and pause, longer every time."""
        failures = self._failures[loop] = self._failures.get(loop, 0) + 1
        now = asyncio.get_running_loop().time()
        if not self._is_told and now - self._told_at >= _QUIET_SECONDS:
            self._is_told, self._told_at = True, now
            _log.warning("task queue lost", queue=self._queue, error=f"{type(error).__name__}: {error}"[:300])
        pause = min(_FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 10), self._longest)
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - so that workers do not all ask at once
