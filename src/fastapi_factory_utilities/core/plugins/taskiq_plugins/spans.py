"""What is told of tasks on their way: a span and figures for each that is sent or run."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final, Literal

from fastapi_factory_utilities.core.plugins.taskiq_plugins import required  # noqa: F401 - says how to install the rest

# isort: split
from taskiq import TaskiqMessage

from fastapi_factory_utilities.core.plugins.taskiq_plugins.contexts import SCHEDULE_ID
from fastapi_factory_utilities.core.telemetry import NO_TELEMETRY, AttributeValue, SpanKind, Telemetry
from fastapi_factory_utilities.core.telemetry.conventions import DELIVERY_ATTEMPT
from fastapi_factory_utilities.core.telemetry.messaging import MessageOperation, MessageScope

__all__ = ["TaskSpans"]

_SYSTEM: Final = "taskiq"
_NOTHING: Final = nullcontext()


class TaskSpans:
    """Tells of the tasks of one queue.

    Args:
        telemetry: Where.
        queue: The queue's name.
    """

    def __init__(self, telemetry: Telemetry = NO_TELEMETRY, queue: str = "") -> None:
        self.telemetry = telemetry
        self._queue = queue
        self._sent: dict[str, MessageOperation] = {}
        self._run: dict[str, MessageOperation] = {}

    @property
    def active(self) -> bool:
        """Whether anybody wants to know."""
        return self.telemetry.active

    def mark(self, message: TaskiqMessage) -> None:
        """Have a message say that it comes from here and now."""
        self.telemetry.inject(message.labels)

    def sending(self, message: TaskiqMessage) -> AbstractContextManager[object]:
        """Tell of one task while the body sends it, and let its labels say where it comes from."""
        return self._send(message, parent=None, links=()) if self.telemetry.active else _NOTHING

    def firing(self, message: TaskiqMessage) -> AbstractContextManager[object]:
        """Do as `sending` does for a task that a schedule sends.

        It begins a trace: nobody waits for it, and an interval has no end. Whoever made the schedule is linked to.
        """
        if not self.telemetry.active:
            return _NOTHING
        return self._send(message, parent={}, links=(dict(message.labels),))

    @contextmanager
    def running(self, message: TaskiqMessage, attempt: int, size: int, name: str) -> Iterator[MessageScope]:
        """Tell of one attempt while the body makes it; whoever sent the task is the span's parent.

        Args:
            message: What came.
            attempt: Counted from 1.
            size: The message's, in bytes.
            name: The task's, one of few.
        """
        with self._operation(self._run, SpanKind.CONSUMER, "process", name).begin(parent=message.labels) as told:
            if told.span.is_recording():
                told.span.set_attributes(
                    _said_of(message) | {DELIVERY_ATTEMPT: attempt, "messaging.message.body.size": size}
                )
            yield told

    @contextmanager
    def _send(
        self, message: TaskiqMessage, parent: Mapping[str, Any] | None, links: Sequence[Mapping[str, Any]]
    ) -> Iterator[None]:
        operation = self._operation(self._sent, SpanKind.PRODUCER, "send", message.task_name)
        with operation.begin(parent=parent, links=links) as told:
            if told.span.is_recording():
                told.span.set_attributes(_said_of(message))
            self.mark(message)
            yield

    def _operation(
        self, known: dict[str, MessageOperation], kind: SpanKind, name: Literal["send", "process"], task: str
    ) -> MessageOperation:
        operation = known.get(task)
        if operation is None:
            operation = known[task] = MessageOperation(
                self.telemetry,
                kind,
                system=_SYSTEM,
                operation=name,
                operation_type=name,
                target=task,
                attributes={"messaging.destination.name": self._queue, "taskiq.task_name": task},
            )
        return operation


def _said_of(message: TaskiqMessage) -> dict[str, AttributeValue]:
    said: dict[str, AttributeValue] = {"messaging.message.id": message.task_id}
    if SCHEDULE_ID in message.labels:
        said["taskiq.schedule_id"] = str(message.labels[SCHEDULE_ID])
    return said
