"""The SDK's measurements in our form, so that they are shown beside ours."""

from collections.abc import Iterator
from math import inf
from typing import Any

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.points import (
    Exemplar,
    HistogramPoint,
    Kind,
    Measured,
    NumberPoint,
)

__all__ = ["measured_by_sdk"]


def measured_by_sdk(data: Any) -> Iterator[Measured]:  # noqa: ANN401 - the SDK's `MetricsData`, or `None`
    """Translate what the SDK collected; exponential histograms, which OpenMetrics has not, are left out.

    Args:
        data: What its reader gave.
    """
    for resource in data.resource_metrics if data is not None else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                found = _translated(metric)
                if found is not None:
                    yield found


def _translated(metric: Any) -> Measured | None:  # noqa: ANN401 - the SDK's `Metric`
    data, points = metric.data, list(metric.data.data_points)
    if not points:
        return None
    name, unit, description = metric.name, metric.unit or "", metric.description or ""
    if hasattr(points[0], "explicit_bounds"):
        bounds = tuple(points[0].explicit_bounds)
        distributions = [_distribution(point, bounds) for point in points if tuple(point.explicit_bounds) == bounds]
        return Measured(name, Kind.HISTOGRAM, unit, description, bounds, histograms=distributions)
    if not hasattr(points[0], "value"):
        return None
    kind = Kind.COUNTER if getattr(data, "is_monotonic", False) else Kind.UP_DOWN_COUNTER
    return Measured(
        name,
        kind,
        unit,
        description,
        numbers=[NumberPoint(dict(point.attributes or {}), point.value) for point in points],
    )


def _distribution(point: Any, bounds: tuple[float, ...]) -> HistogramPoint:  # noqa: ANN401 - the SDK's data point
    exemplars: list[Exemplar | None] = [None] * (len(bounds) + 1)
    for each in point.exemplars:
        if each.trace_id and each.span_id:
            bucket = next((index for index, bound in enumerate((*bounds, inf)) if each.value <= bound), len(bounds))
            exemplars[bucket] = Exemplar(each.value, each.time_unix_nano, each.trace_id, each.span_id)
    return HistogramPoint(dict(point.attributes or {}), point.bucket_counts, point.sum, point.min, point.max, exemplars)
