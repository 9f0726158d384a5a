"""The series of one instrument: which combination of attributes is which."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from fastapi_factory_utilities.core.redaction import redact
from fastapi_factory_utilities.core.telemetry import AttributeValue

__all__ = ["Key", "SeriesTable", "key_of"]

type Key = tuple[tuple[str, AttributeValue], ...]

MOST_SERIES: Final = 2000
"""OpenTelemetry's default limit of a metric's cardinality."""

_MOST_KEYS: Final = 4 * MOST_SERIES
_OVERFLOW: Final = {"otel.metric.overflow": True}


def key_of(attributes: Mapping[str, AttributeValue] | None) -> Key:
    """Make the key that the table is asked with; cheap, and different for another order."""
    return tuple(attributes.items()) if attributes else ()


class SeriesTable[SeriesT]:
    """Finds the series of a set of attributes, in whatever order they come.

    Args:
        make: Makes an empty series.

    Attributes:
        by_key: The series by the key with which it was asked for; read it directly where each nanosecond counts.
        lock: Held by whoever changes a series.
    """

    __slots__ = ("_make", "_series", "by_key", "lock")

    def __init__(self, make: Callable[[], SeriesT]) -> None:
        self.by_key: dict[Key, SeriesT] = {}
        self.lock: threading.Lock = threading.Lock()
        self._make = make
        self._series: dict[Key, tuple[Mapping[str, AttributeValue], SeriesT]] = {}

    def find(self, attributes: Mapping[str, AttributeValue] | None) -> SeriesT:
        """Find or make a series; beyond `MOST_SERIES` all others are one, marked `otel.metric.overflow`."""
        masked: Mapping[str, AttributeValue] = {str(key): _masked(value) for key, value in (attributes or {}).items()}
        ordered: Key = tuple(sorted(masked.items(), key=lambda pair: pair[0]))
        with self.lock:
            if ordered not in self._series and len(self._series) >= MOST_SERIES:
                masked, ordered = _OVERFLOW, tuple(_OVERFLOW.items())
            _, series = self._series.setdefault(ordered, (masked, self._make()))
            if len(self.by_key) < _MOST_KEYS:
                self._remember(attributes, series)
            return series

    def items(self) -> list[tuple[Mapping[str, AttributeValue], SeriesT]]:
        """List the series with their attributes; hold the lock while you read them."""
        return list(self._series.values())

    def _remember(self, attributes: Mapping[str, AttributeValue] | None, series: SeriesT) -> None:
        with suppress(TypeError):  # a list, which has no hash: it is found the slow way each time
            self.by_key[key_of(attributes)] = series


def _masked(value: AttributeValue) -> AttributeValue:
    """Take known secrets out, and make lists tuples, which have a hash."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, bool | int | float):
        return value
    # A sequence of OpenTelemetry's is of one type; what else a user passes becomes text.
    return tuple(redact(str(each)) for each in value)
