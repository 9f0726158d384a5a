"""OTLP messages made plain."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from fastapi_factory_utilities.core.telemetry import SpanKind
from fastapi_factory_utilities.testing.otlp.records import ExemplarRecord, LogEntry, MetricPoint, MetricRecord
from fastapi_factory_utilities.testing.telemetry.records import EventRecord, LinkRecord, SpanRecord

__all__ = ["MESSAGES", "count_spans", "logs_of", "metrics_of", "spans_of"]

# What each signal is sent as. The three are alike only in what they are called.
MESSAGES: Final[dict[str, Any]] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}

_STATUS: Final = ("unset", "ok", "error")
_TEMPORALITY: Final = ("", "delta", "cumulative")
# Bits of a span's flags (opentelemetry/proto/trace/v1/trace.proto, SpanFlags).
_KNOWS_IF_REMOTE: Final = 0x100
_IS_REMOTE: Final = 0x200


def count_spans(message: Any) -> int:  # noqa: ANN401 - a generated class
    """Say how many spans an export has."""
    return sum(len(scope.spans) for resource in message.resource_spans for scope in resource.scope_spans)


def spans_of(message: Any) -> Iterator[SpanRecord]:  # noqa: ANN401 - a generated class
    """Return the spans of an export."""
    for part in message.resource_spans:
        resource = _attributes(part.resource.attributes)
        for scope in part.scope_spans:
            for span in scope.spans:
                yield _span(span, resource, scope.scope.name)


def metrics_of(message: Any) -> Iterator[MetricRecord]:  # noqa: ANN401 - a generated class
    """Return the metrics of an export."""
    for part in message.resource_metrics:
        resource = _attributes(part.resource.attributes)
        for scope in part.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data") or ""
                data = getattr(metric, kind)
                yield MetricRecord(
                    metric.name,
                    kind,
                    metric.unit,
                    metric.description,
                    tuple(_point(point) for point in data.data_points),
                    _TEMPORALITY[getattr(data, "aggregation_temporality", 0)],
                    getattr(data, "is_monotonic", False),
                    resource,
                    scope.scope.name,
                )


def logs_of(message: Any) -> Iterator[LogEntry]:  # noqa: ANN401 - a generated class
    """Return the log lines of an export."""
    for part in message.resource_logs:
        resource = _attributes(part.resource.attributes)
        for scope in part.scope_logs:
            for entry in scope.log_records:
                yield LogEntry(
                    _value(entry.body),
                    entry.severity_text,
                    entry.severity_number,
                    _attributes(entry.attributes),
                    entry.trace_id.hex(),
                    entry.span_id.hex(),
                    entry.time_unix_nano,
                    resource,
                    scope.scope.name,
                )


def _span(span: Any, resource: dict[str, Any], scope: str) -> SpanRecord:  # noqa: ANN401 - a generated class
    return SpanRecord(
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() or None,
        parent_is_remote=bool(span.flags & _IS_REMOTE) if span.flags & _KNOWS_IF_REMOTE else None,
        kind=SpanKind(span.kind - 1),  # OTLP keeps 0 for "unspecified"
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        events=tuple(
            EventRecord(event.name, _attributes(event.attributes), event.time_unix_nano) for event in span.events
        ),
        links=tuple(
            LinkRecord(link.trace_id.hex(), link.span_id.hex(), _attributes(link.attributes)) for link in span.links
        ),
        status=_STATUS[span.status.code],
        status_description=span.status.message,
        resource=resource,
        scope=scope,
    )


def _point(point: Any) -> MetricPoint:  # noqa: ANN401 - a generated class
    numeric = hasattr(point, "as_int")
    return MetricPoint(
        _attributes(point.attributes),
        getattr(point, point.WhichOneof("value") or "as_double") if numeric else point.sum,
        0 if numeric else point.count,
        tuple(getattr(point, "explicit_bounds", ())),
        tuple(getattr(point, "bucket_counts", ())),
        tuple(
            ExemplarRecord(
                getattr(exemplar, exemplar.WhichOneof("value") or "as_double"),
                exemplar.trace_id.hex(),
                exemplar.span_id.hex(),
            )
            for exemplar in getattr(point, "exemplars", ())
        ),
        point.start_time_unix_nano,
        point.time_unix_nano,
    )


def _attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:  # noqa: ANN401 - what OTLP calls any value
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return tuple(_value(item) for item in value.array_value.values)
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return None if kind is None else getattr(value, kind)
