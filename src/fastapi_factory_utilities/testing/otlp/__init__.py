"""A scripted OTLP collector: it keeps what it gets as plain values, and answers as it is told.

It needs the extra `otel`: the messages come with OpenTelemetry's exporters.
"""

from fastapi_factory_utilities.core.plugins.extras import require_extra

require_extra("otel", "opentelemetry.proto", "grpc")

from fastapi_factory_utilities.testing.otlp.collector import OtlpCollector  # noqa: E402 - needs the extra
from fastapi_factory_utilities.testing.otlp.records import (  # noqa: E402 - beside the others
    ExemplarRecord,
    ExportRequest,
    LogEntry,
    MetricPoint,
    MetricRecord,
)

__all__ = ["ExemplarRecord", "ExportRequest", "LogEntry", "MetricPoint", "MetricRecord", "OtlpCollector"]
