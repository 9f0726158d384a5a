"""What was measured so far, as it is handed to those who send or show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fastapi_factory_utilities.core.telemetry import AttributeValue

__all__ = ["Exemplar", "HistogramPoint", "Kind", "Measured", "NumberPoint"]


class Kind(StrEnum):
    """What an instrument is."""

    COUNTER = "counter"
    UP_DOWN_COUNTER = "up-down counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One measured value, and the trace in which it was.

    Attributes:
        value: The value.
        time: Nanoseconds since 1970.
        trace_id: The trace.
        span_id: The span.
    """

    value: float
    time: int
    trace_id: int
    span_id: int


@dataclass(frozen=True, slots=True)
class NumberPoint:
    """The sum of one series.

    Attributes:
        attributes: What tells it from the others.
        value: The sum.
    """

    attributes: Mapping[str, AttributeValue]
    value: float


@dataclass(frozen=True, slots=True)
class HistogramPoint:
    """The distribution of one series.

    Attributes:
        attributes: What tells it from the others.
        counts: How many values each bucket has, the last being that of values beyond all bounds.
        total: The sum of the values.
        lowest: The lowest.
        highest: The highest.
        exemplars: One for each bucket, or `None`.
    """

    attributes: Mapping[str, AttributeValue]
    counts: Sequence[int]
    total: float
    lowest: float
    highest: float
    exemplars: Sequence[Exemplar | None]


@dataclass(frozen=True, slots=True)
class Measured:
    """One instrument and its series, since the start.

    Attributes:
        name: Its name.
        kind: What it is.
        unit: What is measured, in UCUM.
        description: What it says, for people.
        bounds: The upper bounds of a histogram's buckets, themselves included.
        numbers: The series of a counter.
        histograms: The series of a histogram.
    """

    name: str
    kind: Kind
    unit: str
    description: str
    bounds: Sequence[float] = ()
    numbers: Sequence[NumberPoint] = ()
    histograms: Sequence[HistogramPoint] = ()
