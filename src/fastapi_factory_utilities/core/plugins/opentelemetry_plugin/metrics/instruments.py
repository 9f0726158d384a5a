"""Counters and histograms that cost a microsecond a value, where the SDK's cost ten."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import inf
from time import monotonic, time_ns
from typing import Final

from fastapi_factory_utilities.core import telemetry
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.points import (
    Exemplar,
    HistogramPoint,
    Kind,
    Measured,
    NumberPoint,
)
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.series import SeriesTable
from fastapi_factory_utilities.core.telemetry import AttributeValue

__all__ = ["DURATION_BOUNDS", "LightCounter", "LightHistogram", "SampledIds"]

DURATION_BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""What the semantic conventions advise for durations in seconds."""

type SampledIds = Callable[[], tuple[int, int] | None]
"""Gives trace id and span id of the current span if it is recorded."""

_EXEMPLAR_SECONDS: Final = 1.0  # between two exemplars of one bucket
_NO_EXEMPLAR_SECONDS: Final = 0.1  # until it is asked again, when the trace was not recorded


class LightCounter(telemetry.Counter):
    """A sum for each combination of attributes. Safe from every thread.

    Args:
        name: Its name.
        unit: What is measured, in UCUM.
        description: What it says, for people.
        may_fall: Whether negative amounts count; else they are ignored, as OpenTelemetry wants.
    """

    __slots__ = ("_by_key", "_lock", "_table", "description", "kind", "name", "unit")

    def __init__(self, name: str, unit: str, description: str, *, may_fall: bool = False) -> None:
        self.name: str = name
        self.unit: str = unit
        self.description: str = description
        self.kind = Kind.UP_DOWN_COUNTER if may_fall else Kind.COUNTER
        self._table: SeriesTable[list[float]] = SeriesTable(lambda: [0])
        self._by_key, self._lock = self._table.by_key, self._table.lock

    def add(self, amount: float, attributes: Mapping[str, AttributeValue] | None = None) -> None:
        """Add an amount."""
        if self.kind is Kind.COUNTER and not amount >= 0:
            return
        try:
            series = self._by_key[tuple(attributes.items()) if attributes else ()]
        except (KeyError, TypeError):
            series = self._table.find(attributes)
        with self._lock:
            series[0] += amount

    def bind(self, attributes: Mapping[str, AttributeValue]) -> Callable[[float], None]:
        """Return `add` for one combination of attributes: for those who do it all the time, at half the price."""
        return partial(self._add, self._table.find(attributes))

    def _add(self, series: list[float], amount: float) -> None:
        if self.kind is Kind.COUNTER and not amount >= 0:
            return
        with self._lock:
            series[0] += amount

    def series(self, attributes: Mapping[str, AttributeValue]) -> list[float]:
        """Return the one-element sum of a combination of attributes, for the only thread that ever changes it."""
        return self._table.find(attributes)

    def measured(self) -> Measured:
        """Say what it counted so far."""
        with self._lock:
            points = [NumberPoint(attributes, series[0]) for attributes, series in self._table.items()]
        return Measured(self.name, self.kind, self.unit, self.description, numbers=points)


class _Distribution:
    __slots__ = ("counts", "exemplar_due", "exemplars", "highest", "lowest", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.exemplars: list[Exemplar | None] = [None] * buckets
        self.exemplar_due = [0.0] * buckets
        self.total = 0.0
        self.lowest = inf
        self.highest = -inf


class LightHistogram(telemetry.Histogram):
    """A distribution for each combination of attributes. Safe from every thread.

    Args:
        name: Its name.
        unit: What is measured, in UCUM.
        description: What it says, for people.
        bounds: The upper bounds of the buckets, rising.
        sampled_ids: Where exemplars have their trace from.
    """

    __slots__ = ("_by_key", "_lock", "_sampled_ids", "_table", "bounds", "description", "name", "unit")

    kind = Kind.HISTOGRAM

    def __init__(
        self, name: str, unit: str, description: str, bounds: Sequence[float], sampled_ids: SampledIds
    ) -> None:
        self.name: str = name
        self.unit: str = unit
        self.description: str = description
        self.bounds: tuple[float, ...] = tuple(map(float, bounds))
        self._sampled_ids = sampled_ids
        self._table: SeriesTable[_Distribution] = SeriesTable(lambda: _Distribution(len(self.bounds) + 1))
        self._by_key, self._lock = self._table.by_key, self._table.lock

    def record(self, amount: float, attributes: Mapping[str, AttributeValue] | None = None) -> None:
        """Count one value, unless it is negative or NaN.

        Of the current trace, if it is recorded, an exemplar is kept now and then.
        """
        try:
            series = self._by_key[tuple(attributes.items()) if attributes else ()]
        except (KeyError, TypeError):
            series = self._table.find(attributes)
        self._record(series, amount)

    def bind(self, attributes: Mapping[str, AttributeValue]) -> Callable[[float], None]:
        """Return `record` for one combination of attributes: for those who do it all the time, at half the price."""
        return partial(self._record, self._table.find(attributes))

    def _record(self, series: _Distribution, amount: float) -> None:
        if not amount >= 0:  # below zero OpenTelemetry wants none, and one NaN would spoil the sum for ever
            return
        bucket = bisect_left(self.bounds, amount)
        with self._lock:
            series.counts[bucket] += 1
            series.total += amount
            if amount < series.lowest:  # noqa: PLR1730 - min() costs three times as much
                series.lowest = amount
            if amount > series.highest:  # noqa: PLR1730 - likewise
                series.highest = amount
        now = monotonic()
        if series.exemplar_due[bucket] <= now:
            self._keep_exemplar(series, bucket, amount, now)

    def measured(self) -> Measured:
        """Say what it counted so far."""
        with self._lock:
            points = [
                HistogramPoint(
                    attributes, tuple(each.counts), each.total, each.lowest, each.highest, tuple(each.exemplars)
                )
                for attributes, each in self._table.items()
                if any(each.counts)
            ]
        return Measured(self.name, self.kind, self.unit, self.description, self.bounds, histograms=points)

    def _keep_exemplar(self, series: _Distribution, bucket: int, amount: float, now: float) -> None:
        ids = self._sampled_ids()
        if ids is None:
            series.exemplar_due[bucket] = now + _NO_EXEMPLAR_SECONDS
        else:
            series.exemplar_due[bucket] = now + _EXEMPLAR_SECONDS
            series.exemplars[bucket] = Exemplar(amount, time_ns(), *ids)
