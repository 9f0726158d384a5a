"""Log lines on their way to the collector, beside standard output."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import time_ns
from typing import Any, Final

from fastapi_factory_utilities.core.logs.taps import add_line_tap
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.exporter import Exporter
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.queue import BoundedQueue
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.sources import Batches
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.target import Signal
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.logs.encoding import Line, LogEncoder

__all__ = ["LineExport"]

# The specification's defaults (OTEL_BLRP_*).
_CAPACITY: Final = 2048
_BATCH: Final = 512
_DELAY_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 30.0


class LineExport:
    """Sends the lines that are written to the collector as well; its own thread's lines are left out.

    Args:
        exporter: What sends them; it must not run yet.
        resource: Whose lines they are; see `SpanEncoder`.
        level: The quietest lines that are sent.
    """

    def __init__(self, exporter: Exporter, resource: Any, level: str) -> None:  # noqa: ANN401 - see `SpanEncoder`
        self._exporter = exporter
        self._queue: BoundedQueue[Line] = BoundedQueue(_CAPACITY, _BATCH, exporter.wake)
        batches = Batches(self._queue, LogEncoder(resource, level).encode, delay_seconds=_DELAY_SECONDS)
        exporter.add(Signal.LOGS, batches, patience_seconds=_PATIENCE_SECONDS)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Take the lines that are written while the body lasts."""
        remove: Callable[[], None] = add_line_tap(self._take)
        try:
            yield
        finally:
            remove()

    def _take(self, line: str) -> None:
        if threading.get_ident() != self._exporter.thread_id:  # else each failure would make the next export
            self._queue.put((time_ns(), line))
