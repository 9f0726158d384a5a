"""Events on their way to the output, looked at before they become lines."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import time
from typing import Any

from fastapi_factory_utilities.core.logs.pipeline import Pipeline
from fastapi_factory_utilities.core.logs.state import STATE

__all__ = ["EventWatcher", "watching_events"]

EventWatcher = Callable[[float, str, str, object, dict[str, Any]], object]
"""Takes a time in seconds of the epoch, a level, a logger's name, an event, and what the event carries: as it was told,
with whatever secrets are in it."""


@contextmanager
def watching_events(watcher: EventWatcher) -> Iterator[None]:
    """Show every event of the process to a watcher while the body lasts; without logging set up, none.

    Access lines that take the short way are not among them. What the watcher raises is lost.

    Args:
        watcher: Called in the thread and context of the event, before its line is written; it must not log.
    """
    pipeline = STATE.pipeline
    if pipeline is None:
        yield
        return
    watched = _Watched(pipeline, watcher)
    STATE.pipeline = watched
    try:
        yield
    finally:
        watched.watcher = None
        if STATE.pipeline is watched:  # else somebody set logging up anew, or watches as well
            STATE.pipeline = pipeline


class _Watched(Pipeline):
    """Hands every event to the pipeline that was there before."""

    __slots__ = ("inner", "watcher")

    def __init__(self, inner: Pipeline, watcher: EventWatcher) -> None:
        super().__init__(inner.render, inner.output)
        self.inner = inner
        self.watcher: EventWatcher | None = watcher

    def emit(self, level: str, name: str, event: object, entry: dict[str, Any], created: float | None = None) -> None:
        if self.watcher is not None:
            if created is None:
                created = time()
            with suppress(Exception):  # to be watched must not cost the line
                self.watcher(created, level, name, event, entry)
        self.inner.emit(level, name, event, entry, created)

    def line(self, created: float, level: str, name: str, event: object, entry: dict[str, Any]) -> str:
        return self.inner.line(created, level, name, event, entry)

    def write(self, line: str) -> None:
        self.inner.write(line)
