"""Spans of a running application, kept in memory."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from fastapi_factory_utilities.core.app import ApplicationAbstract
from fastapi_factory_utilities.testing.telemetry.records import SpanRecord, record_of
from fastapi_factory_utilities.testing.telemetry.stories import KeepsSpans

__all__ = ["SpanCapture"]


class SpanCapture(KeepsSpans):
    """Keeps every span that ends; nothing leaves the process.

    ::

        capture = SpanCapture()
        app = AppBuilder(plugins=[OpenTelemetryPlugin(sinks=[capture])]).build()
        async with running_app(app) as client:
            await client.post("/books", json={...})
            await capture.story("POST /books > insert books; publish * > process *")

    An application that has its plugin already is listened to for a while: `with capture.of(app): ...`. One capture may
    be given to several applications: a trace that runs through them all is then told as one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: list[Any] = []

    def on_end(self, span: Any, /) -> None:  # noqa: ANN401 - any span that reads like one of OpenTelemetry's SDK
        """Keep a span; called by the plugin, in whichever thread it ended."""
        with self._lock:
            self._ended.append(span)

    @contextmanager
    def of(self, application: ApplicationAbstract[Any]) -> Iterator[Self]:
        """Keep the spans of an application that is built already, for as long as the block lasts.

        Raises:
            LookupError: It has no telemetry.
        """
        recorder = getattr(getattr(application.telemetry_slot.current, "tracer", None), "recorder", None)
        if recorder is None:
            raise LookupError("the application makes no spans: give it an OpenTelemetryPlugin, and leave it enabled")
        recorder.add(self)
        try:
            yield self
        finally:
            recorder.remove(self)

    @property
    def spans(self) -> list[SpanRecord]:
        """The spans so far, in the order in which they ended."""
        with self._lock:
            ended = list(self._ended)
        return [record_of(span) for span in ended]

    @property
    def span_count(self) -> int:
        """How many there are."""
        return len(self._ended)

    def clear(self) -> None:
        """Forget all of them: what comes is another story."""
        with self._lock:
            self._ended.clear()
