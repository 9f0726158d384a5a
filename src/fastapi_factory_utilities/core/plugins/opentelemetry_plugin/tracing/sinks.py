"""Where ended spans go."""

import threading
from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.span import LightSpan

__all__ = ["MemorySpans", "SpanSink"]


class SpanSink(Protocol):
    """Takes spans as they end; `sinks=[...]` of the plugin adds more."""

    def on_end(self, span: "LightSpan") -> None:
        """Take one span.

        Called where the span ended, in any thread: return at once. The span does not change any more.
        """


class MemorySpans:
    """Keeps ended spans in memory, for tests and for looking at them.

    Args:
        limit: How many; beyond that the oldest go.
    """

    def __init__(self, limit: int = 100_000) -> None:
        self._spans: deque[LightSpan] = deque(maxlen=limit)
        self._lock = threading.Lock()

    @property
    def spans(self) -> "tuple[LightSpan, ...]":
        """The spans so far, in the order of their ends."""
        with self._lock:
            return tuple(self._spans)

    def clear(self) -> None:
        """Forget them."""
        with self._lock:
            self._spans.clear()

    def on_end(self, span: "LightSpan") -> None:
        """Take one span."""
        with self._lock:
            self._spans.append(span)
