"""The type of a span that can be read; only type checkers need it."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

__all__ = ["ReadableSpan"]


class _Ids(Protocol):
    @property
    def trace_id(self) -> int: ...
    @property
    def span_id(self) -> int: ...
    @property
    def is_remote(self) -> bool: ...


class ReadableSpan(Protocol):
    """What is read of an ended span: the names are those of OpenTelemetry's SDK."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def kind(self) -> Any:  # noqa: ANN401 - OpenTelemetry's enumeration, or ours
        """Its role between services."""
        ...

    @property
    def context(self) -> _Ids:
        """Its own ids."""
        ...

    @property
    def parent(self) -> _Ids | None:
        """Those of the span that caused it."""
        ...

    @property
    def start_time(self) -> int | None:
        """When it began, in nanoseconds of the epoch."""
        ...

    @property
    def end_time(self) -> int | None:
        """When it ended, likewise."""
        ...

    @property
    def attributes(self) -> Mapping[str, Any] | None:
        """What is known of it."""
        ...

    @property
    def events(self) -> Iterable[Any]:
        """What happened meanwhile."""
        ...

    @property
    def links(self) -> Iterable[Any]:
        """Which other spans it has to do with."""
        ...

    @property
    def status(self) -> Any:  # noqa: ANN401 - OpenTelemetry's class
        """How it ended."""
        ...
