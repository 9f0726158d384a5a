"""Instruments of measurement; these measure nothing."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from fastapi_factory_utilities.core.telemetry.spans import AttributeValue

__all__ = ["NO_COUNTER", "NO_HISTOGRAM", "Counter", "Histogram"]


class Counter:
    """Counts up, and down if it was made for that."""

    __slots__ = ()

    def add(self, amount: float, attributes: Mapping[str, AttributeValue] | None = None) -> None:
        """Add an amount.

        Args:
            amount: How much, in the instrument's unit.
            attributes: What to tell apart. Few values each: every combination is a series of its own.
        """

    def bind(self, attributes: Mapping[str, AttributeValue]) -> Callable[[float], None]:
        """Return `add` for one combination of attributes: cheaper, for those who do it all the time."""
        return partial(self.add, attributes=attributes)


class Histogram:
    """Counts measured values by their size."""

    __slots__ = ()

    def record(self, amount: float, attributes: Mapping[str, AttributeValue] | None = None) -> None:
        """Count one value.

        Args:
            amount: The value, in the instrument's unit.
            attributes: What to tell apart. Few values each: every combination is a series of its own.
        """

    def bind(self, attributes: Mapping[str, AttributeValue]) -> Callable[[float], None]:
        """Return `record` for one combination of attributes: cheaper, for those who do it all the time."""
        return partial(self.record, attributes=attributes)


NO_COUNTER: Final = Counter()
NO_HISTOGRAM: Final = Histogram()
