"""Metrics, logs and requests as tests look at them: plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ExemplarRecord", "ExportRequest", "LogEntry", "MetricPoint", "MetricRecord"]


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """One request to the collector.

    Attributes:
        protocol: "http" or "grpc".
        signal: "traces", "metrics" or "logs"; empty for anything else.
        path: The path, or the name of the method.
        headers: The headers, or the metadata; names in lower case.
        body: The body as it was meant, decompressed.
        status: What was answered, as an HTTP status; 0 for nothing at all.
    """

    protocol: str
    signal: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int


@dataclass(frozen=True, slots=True)
class ExemplarRecord:
    """A measured value with the span it was measured in.

    Attributes:
        value: The value.
        trace_id: The trace, in hexadecimal; empty for none.
        span_id: The span, in hexadecimal; empty for none.
    """

    value: float
    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One series of a metric at one time.

    Attributes:
        attributes: What tells it apart.
        value: Its value; for a histogram, its sum.
        count: How many values a histogram has counted.
        bounds: The upper bounds of its buckets.
        buckets: How many values are in each; one more than bounds.
        exemplars: Examples of what was measured.
        start_ns: Since when it was measured, in nanoseconds since 1970.
        time_ns: When it was read.
    """

    attributes: Mapping[str, Any]
    value: float
    count: int = 0
    bounds: tuple[float, ...] = ()
    buckets: tuple[int, ...] = ()
    exemplars: tuple[ExemplarRecord, ...] = ()
    start_ns: int = 0
    time_ns: int = 0


@dataclass(frozen=True, slots=True)
class MetricRecord:
    """A metric as it was once exported.

    Attributes:
        name: Its name.
        kind: "gauge", "sum", "histogram", "exponential_histogram" or "summary".
        unit: What is measured, in UCUM.
        description: What it says, for people.
        points: Its series.
        temporality: "cumulative", "delta", or empty where there is none.
        monotonic: Whether a sum only goes up.
        resource: Who measured it.
        scope: The instrumentation that measured it.
    """

    name: str
    kind: str
    unit: str
    description: str
    points: tuple[MetricPoint, ...]
    temporality: str = ""
    monotonic: bool = False
    resource: Mapping[str, Any] = field(default_factory=dict)
    scope: str = ""

    def point(self, **attributes: Any) -> MetricPoint:  # noqa: ANN401 - values of attributes
        """Return the only point with these attributes among its own; a name's dots are written as `__`.

        Raises:
            AssertionError: There is none, or more than one.
        """
        wanted = {key.replace("__", "."): value for key, value in attributes.items()}
        found = [point for point in self.points if wanted.items() <= point.attributes.items()]
        if len(found) != 1:
            shown = "\n".join(f"  {dict(point.attributes)}" for point in self.points)
            raise AssertionError(f"{len(found)} points of {self.name} have {wanted}, not one; there are:\n{shown}")
        return found[0]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One log line.

    Attributes:
        body: What it says.
        severity: The level in words.
        severity_number: The level as OpenTelemetry counts it (9 is info, 13 warning, 17 error).
        attributes: The details.
        trace_id: The trace it was written in, in hexadecimal; empty for none.
        span_id: The span, in hexadecimal; empty for none.
        time_ns: When, in nanoseconds since 1970.
        resource: Who wrote it.
        scope: The logger.
    """

    body: Any
    severity: str
    severity_number: int
    attributes: Mapping[str, Any]
    trace_id: str
    span_id: str
    time_ns: int
    resource: Mapping[str, Any]
    scope: str
