"""What was measured as Prometheus reads it: OpenMetrics 1.0 with exemplars, or its older text form."""

import re
from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import Any, Final

from prometheus_client import exposition
from prometheus_client.core import Metric
from prometheus_client.samples import Exemplar as PrometheusExemplar

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.points import (
    Exemplar,
    HistogramPoint,
    Kind,
    Measured,
)

__all__ = ["render"]

# As OpenTelemetry's "Prometheus and OpenMetrics Compatibility" has them.
_UNITS: Final = {
    "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds",
    "ns": "nanoseconds", "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes",
    "kBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "m": "meters", "V": "volts", "A": "amperes",
    "J": "joules", "W": "watts", "g": "grams", "Cel": "celsius", "Hz": "hertz", "%": "percent",
}  # fmt: skip
_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9_:]+")
_NOT_IN_LABELS: Final = re.compile(r"[^a-zA-Z0-9_]+")
_NANO: Final = 1e9


class _Families:
    """What prometheus_client's writers read, instead of a registry."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Give the families."""
        yield from self._families


def render(
    measured: Iterable[Measured], started_at: int, resource: Mapping[str, Any], accept: str
) -> tuple[bytes, str]:
    """Render measurements.

    Args:
        measured: What was measured.
        started_at: Since when, in nanoseconds since 1970.
        resource: The attributes of the service; they become `target_info`.
        accept: The header `Accept` of who asks.

    Returns:
        The text, and its `Content-Type`.
    """
    encode, content_type = exposition.choose_encoder(accept)
    families = _Families(_families(measured, started_at / _NANO, resource))
    text: bytes = encode(families)
    return text, content_type


def _families(measured: Iterable[Measured], started: float, resource: Mapping[str, Any]) -> Iterator[Metric]:
    target = Metric("target", "Target metadata", "info")
    target.add_sample("target_info", _labels(resource), 1)
    yield target
    families: dict[str, Metric] = {}
    for each in measured:
        name = _name(each)
        kind = {Kind.HISTOGRAM: "histogram", Kind.COUNTER: "counter", Kind.UP_DOWN_COUNTER: "gauge"}[each.kind]
        family = families.setdefault(name, Metric(name, each.description, kind))
        if family.type != kind:
            continue  # two names that Prometheus cannot tell apart; the first has it
        for number in each.numbers:
            labels = _labels(number.attributes)
            family.add_sample(f"{name}_total" if each.kind is Kind.COUNTER else name, labels, number.value)
            if each.kind is Kind.COUNTER:
                family.add_sample(f"{name}_created", labels, started)
        for distribution in each.histograms:
            _add_histogram(family, each.bounds, distribution, started)
    yield from families.values()


def _add_histogram(family: Metric, bounds: Iterable[float], point: HistogramPoint, started: float) -> None:
    labels, below = _labels(point.attributes), 0
    for bound, count, exemplar in zip((*bounds, inf), point.counts, point.exemplars, strict=True):
        below += count
        family.add_sample(
            f"{family.name}_bucket",
            {**labels, "le": "+Inf" if bound == inf else str(bound)},
            below,
            exemplar=_exemplar(exemplar),
        )
    family.add_sample(f"{family.name}_count", labels, below)
    family.add_sample(f"{family.name}_sum", labels, point.total)
    family.add_sample(f"{family.name}_created", labels, started)


def _exemplar(exemplar: Exemplar | None) -> PrometheusExemplar | None:
    if exemplar is None:
        return None
    ids = {"trace_id": f"{exemplar.trace_id:032x}", "span_id": f"{exemplar.span_id:016x}"}
    return PrometheusExemplar(ids, exemplar.value, exemplar.time / _NANO)


def _name(measured: Measured) -> str:
    """Make a name of Prometheus's: with the unit at its end, without the `_total` that comes by itself."""
    name = _NOT_IN_NAMES.sub("_", measured.name).strip("_").removesuffix("_total")
    if name[:1].isdigit():
        name = f"_{name}"
    unit = re.sub(r"\{[^}]*\}", "", measured.unit).strip("/")
    if unit == "1" or not unit:
        return name
    spelled = _NOT_IN_NAMES.sub("_", _UNITS.get(unit, unit))
    return name if name.endswith(f"_{spelled}") else f"{name}_{spelled}"


def _labels(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Make labels; names that Prometheus cannot tell apart share one, with both values."""
    labels: dict[str, str] = {}
    for key, value in attributes.items():
        name = _NOT_IN_LABELS.sub("_", key) or "_"
        name = f"_{name}" if name[0].isdigit() else name
        text = str(value).lower() if isinstance(value, bool) else str(value)
        labels[name] = f"{labels[name]};{text}" if name in labels else text
    return labels
