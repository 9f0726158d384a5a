"""Resources and instrumentation scopes as OTLP: whose telemetry it is, and who recorded it."""

from typing import Any

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.values import AttributeEncoder
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.wire import delimited, text

__all__ = ["encode_scope", "resource_field"]


def resource_field(resource: Any) -> tuple[bytes, bytes]:  # noqa: ANN401 - the SDK's class, or ours
    """Encode a resource, as the first and the last fields of a `ResourceSpans` (or `-Metrics`, `-Logs`).

    Args:
        resource: What has `attributes` and `schema_url` as OpenTelemetry's `Resource` has.
    """
    schema = resource.schema_url
    field = delimited(b"\x0a", AttributeEncoder(b"\x0a").encode(resource.attributes))
    return field, delimited(b"\x1a", text(schema)) if schema else b""


def encode_scope(scope: Any) -> tuple[bytes, bytes]:  # noqa: ANN401 - the SDK's class, or ours
    """Encode an instrumentation scope, as the first and the last fields of a `ScopeSpans` (or `-Metrics`, `-Logs`).

    Args:
        scope: What has `name`, `version`, `schema_url` and `attributes`; `None` for an unnamed one.
    """
    if scope is None:
        return b"\x0a\x00", b""
    content = delimited(b"\x0a", text(scope.name)) if scope.name else b""
    if scope.version:
        content += delimited(b"\x12", text(scope.version))
    content += AttributeEncoder(b"\x1a").encode(getattr(scope, "attributes", None))
    schema = scope.schema_url
    return delimited(b"\x0a", content), delimited(b"\x1a", text(schema)) if schema else b""
