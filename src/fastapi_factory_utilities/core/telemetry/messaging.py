"""Spans and figures of messages and tasks, as the semantic conventions for messaging systems have them.

What is known of a destination is put together once; what is known of one message is set by whoever has it, and only on
a span that is recorded.
"""

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from types import TracebackType
from typing import Any, Final, Literal, Self

from fastapi_factory_utilities.core.telemetry.conventions import ERROR_TYPE, type_name
from fastapi_factory_utilities.core.telemetry.spans import AttributeValue, Span, SpanKind, SpanScope
from fastapi_factory_utilities.core.telemetry.telemetry import Telemetry

__all__ = ["MessageOperation", "MessageScope"]

type _Figures = tuple[Callable[[float], None], Callable[[float], None]]
type OperationType = Literal["create", "send", "process"]

# Of what is counted and timed: the counter's name, the histogram's.
_INSTRUMENTS: Final[Mapping[str, tuple[str, str]]] = {
    "send": ("messaging.client.sent.messages", "messaging.client.operation.duration"),
    "process": ("messaging.client.consumed.messages", "messaging.process.duration"),
}
_DESCRIPTIONS: Final = {
    "messaging.client.sent.messages": "Messages that were handed to the broker, or should have been.",
    "messaging.client.consumed.messages": "Messages that the broker has delivered.",
    "messaging.client.operation.duration": "How long it took until the broker had a message.",
    "messaging.process.duration": "How long handling a message took.",
}


class MessageOperation:
    """One kind of operation with the messages of one destination.

    Args:
        telemetry: Where it is told.
        kind: The role of its spans.
        system: What carries the messages, such as `rabbitmq`.
        operation: What the system calls the operation, such as `publish`.
        operation_type: What the conventions call it. A creation is not counted: its message will be, when it is sent.
        target: What the span's name says it is done to; of few different values.
        attributes: What else is true of each of its spans, and of each figure.
    """

    __slots__ = ("_attributes", "_count", "_duration", "_failed", "_kind", "_name", "_succeeded", "telemetry")

    def __init__(
        self,
        telemetry: Telemetry,
        kind: SpanKind,
        *,
        system: str,
        operation: str,
        operation_type: OperationType,
        target: str,
        attributes: Mapping[str, AttributeValue],
    ) -> None:
        self.telemetry: Telemetry = telemetry
        self._kind = kind
        self._name = f"{operation} {target}" if target else operation
        self._attributes = telemetry.shared(
            {
                "messaging.system": system,
                "messaging.operation.name": operation,
                "messaging.operation.type": operation_type,
                **attributes,
            }
        )
        self._failed: dict[type[BaseException], _Figures] = {}
        self._count = self._duration = None
        self._succeeded: _Figures | None = None
        if operation_type in _INSTRUMENTS:
            counted, timed = _INSTRUMENTS[operation_type]
            self._count = telemetry.counter(counted, unit="{message}", description=_DESCRIPTIONS[counted])
            self._duration = telemetry.histogram(timed, unit="s", description=_DESCRIPTIONS[timed])
            self._succeeded = self._count.bind(self._attributes), self._duration.bind(self._attributes)

    def begin(
        self, *, parent: Mapping[str, Any] | None = None, links: Sequence[Mapping[str, Any]] = ()
    ) -> "MessageScope":
        """Begin the operation with one message when the returned scope is entered.

        Args:
            parent: The headers of the message, where they say what caused it; see `Telemetry.span`.
            links: See `Telemetry.span`.
        """
        return MessageScope(self, self.scope(parent, links))

    def scope(self, parent: Mapping[str, Any] | None, links: Sequence[Mapping[str, Any]] = ()) -> SpanScope:
        """Return the span alone, for a `MessageScope` of one's own; see `begin`."""
        return self.telemetry.span(self._name, self._kind, self._attributes, parent=parent, links=links)

    def count(self, seconds: float, error: BaseException | None) -> None:
        """Take note of how long it took, and how it ended."""
        figures = self._succeeded if error is None else self._figures_of(error)
        if figures is not None:
            add, record = figures
            add(1)
            record(seconds)

    def _figures_of(self, error: BaseException) -> _Figures | None:
        found = self._failed.get(type(error))
        if found is None and self._count is not None and self._duration is not None:
            attributes = {**self._attributes, ERROR_TYPE: type_name(error)}
            found = self._count.bind(attributes), self._duration.bind(attributes)
            self._failed[type(error)] = found
        return found


class MessageScope:
    """The time in which one message is sent or handled; an exception fails it, a cancellation does not.

    Attributes:
        span: Its span, once entered.
    """

    __slots__ = ("_began", "_failure", "_operation", "_scope", "span")

    def __init__(self, operation: MessageOperation, scope: SpanScope) -> None:
        self._operation = operation
        self._scope = scope
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self.span: Span = self._scope.__enter__()
        self._began = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        failure = error if isinstance(error, Exception) else self._failure
        # Inside of the span, which the figures can point to.
        self._operation.count(perf_counter() - self._began, failure)
        if error is None and failure is not None:
            self.span.fail(failure)
        self._scope.__exit__(kind, error, traceback)

    def fail(self, error: BaseException) -> None:
        """Say that it failed, where that is known and raises nothing any more."""
        self._failure = error
