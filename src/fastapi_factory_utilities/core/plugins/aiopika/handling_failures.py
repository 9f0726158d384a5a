"""Telling the log of failing messages, without drowning it in an outage."""

import time
from collections.abc import Callable
from typing import Final

__all__ = ["FailureLog"]

_WINDOW_SECONDS: Final = 60.0
_LINES: Final = 20  # of one cause in a window
_CAUSES: Final = 100  # that are remembered; beyond them all share one allowance


class FailureLog:
    """Lets through so many lines a minute of each cause, and counts the others.

    The next line of the cause that is let through carries their number as `suppressed`.

    Args:
        now: A monotonic clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._windows: dict[str, _Window] = {}

    def tell(self, write: Callable[..., None], event: str, cause: str, **facts: object) -> None:
        """Write an event, unless there were many of its cause lately.

        Args:
            write: A logger's method.
            event: The event.
            cause: What makes events alike, such as an error's class.
            **facts: The event's values.
        """
        if cause not in self._windows and len(self._windows) >= _CAUSES:
            cause = ""
        window = self._windows.setdefault(cause, _Window(self._now()))
        now = self._now()
        if now - window.began >= _WINDOW_SECONDS:
            window.began, window.lines = now, 0
        if window.lines >= _LINES:
            window.suppressed += 1
            return
        window.lines += 1
        if window.suppressed:
            facts["suppressed"], window.suppressed = window.suppressed, 0
        write(event, **facts)


class _Window:
    __slots__ = ("began", "lines", "suppressed")

    def __init__(self, began: float) -> None:
        self.began = began
        self.lines = 0
        self.suppressed = 0
