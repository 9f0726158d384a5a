"""A span as those see it whose work it describes."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from types import TracebackType
from typing import Final

__all__ = ["NO_SPAN", "AttributeValue", "Span", "SpanKind", "SpanScope"]

type AttributeValue = str | bool | int | float | Sequence[str] | Sequence[bool] | Sequence[int] | Sequence[float]


class SpanKind(IntEnum):
    """The role of a span between services (OpenTelemetry's, with its numbers)."""

    INTERNAL = 0
    SERVER = 1
    CLIENT = 2
    PRODUCER = 3
    CONSUMER = 4


class Span:
    """One operation of a trace; this one is recorded nowhere.

    The names are those of OpenTelemetry's API, which the recorded ones implement as a whole.
    """

    __slots__ = ()

    def is_recording(self) -> bool:
        """Say whether attributes are kept; if not, computing them is a waste."""
        return False

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Add or replace one attribute."""

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Add or replace several."""

    def update_name(self, name: str) -> None:
        """Replace the name."""

    def add_event(self, name: str, attributes: Mapping[str, AttributeValue] | None = None) -> None:
        """Note what happened, and when."""

    def fail(self, error: BaseException | str) -> None:
        """Mark the operation as failed, and set `error.type`.

        Args:
            error: The exception, which is recorded as an event with known secrets masked; or the type of the error
                alone, such as a status code.
        """


class SpanScope:
    """Makes a span the current one for as long as the body lasts, and ends it; an exception fails it.

    To be cancelled is no failure.
    """

    __slots__ = ()

    def __enter__(self) -> Span:
        """Return the span."""
        return NO_SPAN

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """End it."""


NO_SPAN: Final = Span()
