"""What was measured as OTLP, in the very form that OpenTelemetry's SDK gives it."""

from collections.abc import Iterable
from struct import pack
from typing import Any, Final

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.scopes import encode_scope, resource_field
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.values import AttributeEncoder
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.wire import DOUBLE, FIXED64, delimited, text
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.points import (
    Exemplar,
    HistogramPoint,
    Kind,
    Measured,
    NumberPoint,
)

__all__ = ["MetricEncoder"]

_CUMULATIVE: Final = b"\x10\x02"
_INT64: Final = 1 << 63
_MONOTONIC: Final = b"\x18\x01"


class MetricEncoder:
    """Encodes measurements as `ExportMetricsServiceRequest`. For one thread only.

    Args:
        resource: Whose they are; see `SpanEncoder`.
        scope: Who measured.
        started_at: Since when, in nanoseconds since 1970.
    """

    def __init__(self, resource: Any, scope: Any, started_at: int) -> None:  # noqa: ANN401 - see `SpanEncoder`
        self._resource, self._schema = resource_field(resource)
        self._scope, self._scope_schema = encode_scope(scope)
        self._started = FIXED64(started_at)
        self._of_numbers = AttributeEncoder(b"\x3a")
        self._of_histograms = AttributeEncoder(b"\x4a")

    def encode(self, measured: Iterable[Measured], now: int) -> bytes:
        """Encode what was measured until now, in nanoseconds since 1970; nothing at all becomes nothing."""
        times = b"\x11" + self._started + b"\x19" + FIXED64(now)
        metrics = b"".join([delimited(b"\x12", self._metric(each, times)) for each in measured])
        if not metrics:
            return b""
        scoped = delimited(b"\x12", self._scope + metrics + self._scope_schema)
        return delimited(b"\x0a", self._resource + scoped + self._schema)

    def _metric(self, measured: Measured, times: bytes) -> bytes:
        head = delimited(b"\x0a", text(measured.name))
        if measured.description:
            head += delimited(b"\x12", text(measured.description))
        if measured.unit:
            head += delimited(b"\x1a", text(measured.unit))
        if measured.kind is Kind.HISTOGRAM:
            bounds = delimited(b"\x3a", _doubles(measured.bounds)) if measured.bounds else b""
            points = b"".join([self._histogram(point, times, bounds) for point in measured.histograms])
            return head + delimited(b"\x4a", points + _CUMULATIVE)
        numbers = b"".join([self._number(point, times) for point in measured.numbers])
        monotonic = _MONOTONIC if measured.kind is Kind.COUNTER else b""
        return head + delimited(b"\x3a", numbers + _CUMULATIVE + monotonic)

    def _number(self, point: NumberPoint, times: bytes) -> bytes:
        value = point.value
        whole = isinstance(value, int) and abs(value) < _INT64
        encoded = b"\x31" + pack("<q", value) if whole else b"\x21" + DOUBLE(value)
        return delimited(b"\x0a", times + encoded + self._of_numbers.encode(point.attributes))

    def _histogram(self, point: HistogramPoint, times: bytes, bounds: bytes) -> bytes:
        counts = pack(f"<{len(point.counts)}Q", *point.counts)
        exemplars = b"".join([_exemplar(each) for each in point.exemplars if each is not None])
        return delimited(
            b"\x0a",
            times
            + (b"\x21" + FIXED64(sum(point.counts)))
            + (b"\x29" + DOUBLE(point.total))
            + delimited(b"\x32", counts)
            + bounds
            + exemplars
            + self._of_histograms.encode(point.attributes)
            + (b"\x59" + DOUBLE(point.lowest) + b"\x61" + DOUBLE(point.highest)),
        )


def _exemplar(exemplar: Exemplar) -> bytes:
    ids = b"\x22\x08" + exemplar.span_id.to_bytes(8, "big") + b"\x2a\x10" + exemplar.trace_id.to_bytes(16, "big")
    return delimited(b"\x42", b"\x11" + FIXED64(exemplar.time) + b"\x19" + DOUBLE(exemplar.value) + ids)


def _doubles(values: Iterable[float]) -> bytes:
    return b"".join(map(DOUBLE, values))
