"""What the collector got, kept as it came and made plain when somebody looks."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it has no types

from fastapi_factory_utilities.testing.otlp.decoding import MESSAGES, count_spans, logs_of, metrics_of, spans_of
from fastapi_factory_utilities.testing.otlp.records import ExportRequest, LogEntry, MetricRecord
from fastapi_factory_utilities.testing.telemetry.records import SpanRecord

__all__ = ["Received"]


class _Plain[T]:
    """Messages of one signal; decoded once, and not before anybody asks, so that receiving costs the sender little."""

    def __init__(self, decode: Callable[[Any], Iterator[T]]) -> None:
        self._decode = decode
        self._lock = threading.Lock()
        self._waiting: list[Any] = []
        self._records: list[T] = []

    def add(self, message: Any) -> None:  # noqa: ANN401 - a generated class
        with self._lock:
            self._waiting.append(message)

    def records(self) -> list[T]:
        with self._lock:
            for message in self._waiting:
                self._records.extend(self._decode(message))
            self._waiting.clear()
            return list(self._records)


class Received:
    """Everything that came in; safe from every thread."""

    def __init__(self) -> None:
        self._spans = _Plain[SpanRecord](spans_of)
        self._metrics = _Plain[MetricRecord](metrics_of)
        self._logs = _Plain[LogEntry](logs_of)
        self._lock = threading.Lock()
        self.requests: list[ExportRequest] = []
        self.span_count: int = 0

    def note(self, request: ExportRequest) -> None:
        """Keep that somebody called."""
        with self._lock:
            self.requests.append(request)

    def keep(self, signal: str, body: bytes) -> bool:
        """Keep what was sent.

        Returns:
            Whether it could be read.
        """
        try:
            message = MESSAGES[signal].FromString(body)
        except DecodeError:
            return False
        if signal == "traces":
            self._spans.add(message)
            with self._lock:
                self.span_count += count_spans(message)
        elif signal == "metrics":
            self._metrics.add(message)
        else:
            self._logs.add(message)
        return True

    def spans(self) -> list[SpanRecord]:
        """The spans, as they came."""
        return self._spans.records()

    def metrics(self) -> list[MetricRecord]:
        """The metrics, as they came: one each time that they were exported."""
        return self._metrics.records()

    def logs(self) -> list[LogEntry]:
        """The log lines, as they came."""
        return self._logs.records()
