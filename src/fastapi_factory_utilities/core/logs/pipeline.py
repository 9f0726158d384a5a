"""From an event to a line: one way for every logger of the process."""

import sys
from collections.abc import Callable
from time import time
from types import FrameType
from typing import Any, Final

from fastapi_factory_utilities.core.logs.context import surroundings
from fastapi_factory_utilities.core.logs.frames import calling_frames
from fastapi_factory_utilities.core.logs.keys import INSTRUCTIONS, are_ordinary, settled
from fastapi_factory_utilities.core.logs.messages import cut, text_of
from fastapi_factory_utilities.core.logs.output import Output
from fastapi_factory_utilities.core.logs.taps import tap_lines
from fastapi_factory_utilities.core.logs.tracebacks import describe, exception_of
from fastapi_factory_utilities.core.logs.values import SCALARS, VALUE_LIMIT, Plain, plain, redacted
from fastapi_factory_utilities.core.redaction import has_secret, redact

__all__ = ["Pipeline", "Render"]

Render = Callable[[float, str, str, str, dict[str, Any]], tuple[str, str]]
"""Makes a line of a time, a level, a name, an event and plain values; in two parts, of which only the second is
searched for secrets."""

_STACK_FRAMES: Final = 20


class Pipeline:
    """Renders events and writes them; `emit` never raises an `Exception`.

    Args:
        render: What makes a line of an event.
        output: Where lines go.
    """

    __slots__ = ("output", "render")

    def __init__(self, render: Render, output: Output) -> None:
        self.render: Render = render
        self.output: Output = output

    def emit(self, level: str, name: str, event: object, entry: dict[str, Any], created: float | None = None) -> None:
        """Write one event.

        Args:
            level: The level's name in lower case.
            name: The logger's name.
            event: What happened.
            entry: Keys and values, which become the pipeline's own.
            created: Seconds of the epoch; now unless given.
        """
        try:
            around = surroundings()
            if around:
                entry = entry | around if around.keys().isdisjoint(entry) else around | entry
            if created is None:
                created = time()
            if type(event) is str and are_ordinary(entry) and SCALARS.issuperset(map(type, entry.values())):
                try:
                    head, body = self.render(created, level, name, event, entry)
                except ValueError:  # NaN, or an integer too long to be written
                    pass
                else:
                    if len(body) <= VALUE_LIMIT and not has_secret(body):
                        self.write(head + body)
                        return
            self.write(self.line(created, level, name, event, entry))
        except Exception as error:  # noqa: BLE001 - a log line must never fail the work it tells of
            self._apologise(level, name, error)

    def line(self, created: float, level: str, name: str, event: object, entry: dict[str, Any]) -> str:
        """Render an event whatever it is made of."""
        described, entry = _follow_instructions(entry)
        entry = settled(entry)
        shown = {key: plain(value) for key, value in entry.items()}
        if described is not None:
            shown["exception"] = described
        text = cut(event if type(event) is str else text_of(event), VALUE_LIMIT)
        head, body = self.render(created, level, name, text, shown)
        if has_secret(body):
            head, body = self.render(created, level, name, redact(text), _cleaned(entry, described))
        return head + body

    def write(self, line: str) -> None:
        """Write a rendered line; after a time of trouble, tell how many were lost."""
        tap_lines(line)
        if self.output.write(line) and self.output.lost:
            lost, self.output.lost = self.output.lost, 0
            self.output.write("".join(self.render(time(), "warning", __name__, "log lines lost", {"lines": lost})))

    def _apologise(self, level: str, name: str, error: Exception) -> None:
        try:
            entry = {"of_level": level, "of_logger": name, "reason": type(error).__name__}
            self.output.write("".join(self.render(time(), "error", __name__, "log line could not be written", entry)))
        except Exception:  # noqa: BLE001, S110 - there is nobody left to tell
            pass


def _follow_instructions(entry: dict[str, Any]) -> tuple[dict[str, Plain] | None, dict[str, Any]]:
    """Describe the exception that an entry asks for, and list the callers if it asks for them."""
    error = exception_of(entry.get("exc_info"))
    told = {key: value for key, value in entry.items() if key not in INSTRUCTIONS}
    if entry.get("stack_info"):
        told["stack"] = calling_frames(_caller(), _STACK_FRAMES)
    return None if error is None else describe(error), told


def _caller() -> FrameType | None:
    """Find the frame that called a logger."""
    ours = __name__.rpartition(".")[0]
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the documented way to walk the stack
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith((ours, "structlog")):
        frame = frame.f_back
    return frame


def _cleaned(entry: dict[str, Any], described: dict[str, Plain] | None) -> dict[str, Any]:
    """Take known secrets out of every text, rather than out of the line, so that it stays JSON."""
    cleaned = {redact(key): plain(value, redacting=True) for key, value in entry.items()}
    return cleaned if described is None else {**cleaned, "exception": redacted(described)}
