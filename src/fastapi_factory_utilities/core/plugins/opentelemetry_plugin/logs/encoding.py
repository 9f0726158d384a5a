"""Log lines as OTLP."""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.scopes import resource_field
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.values import AttributeEncoder, any_value
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.wire import FIXED64, delimited, text

__all__ = ["Line", "LogEncoder"]

type Line = tuple[int, str]
"""When it was written, in nanoseconds since 1970, and the line itself."""

_SEVERITIES: Final = {"debug": 5, "info": 9, "warning": 13, "error": 17, "critical": 21}  # OpenTelemetry's numbers
_ANSI: Final = re.compile(r"\x1b\[[0-9;]*m")
_TRACE_ID_DIGITS: Final = 32
_SPAN_ID_DIGITS: Final = 16


class LogEncoder:
    """Encodes lines as `ExportLogsServiceRequest`: the logger is the scope, the event the body, the rest attributes.

    A line that is not JSON, as people read them at a terminal, is a body and nothing else. For one thread only.

    Args:
        resource: Whose lines they are; see `SpanEncoder`.
        level: The quietest lines that are encoded.
    """

    def __init__(self, resource: Any, level: str) -> None:  # noqa: ANN401 - see `SpanEncoder`
        self._resource, self._schema = resource_field(resource)
        self._lowest = _SEVERITIES[level]
        self._attributes = AttributeEncoder(b"\x32")

    def encode(self, lines: Iterable[Line]) -> bytes:
        """Encode one batch."""
        by_logger: dict[str, list[bytes]] = {}
        for written_at, line in lines:
            fields = _read(line)
            logger, severity = str(fields.pop("logger", "")), _SEVERITIES.get(str(fields.get("level")), 0)
            if not severity or severity >= self._lowest:
                by_logger.setdefault(logger, []).append(self._record(written_at, severity, fields))
        scopes = [
            delimited(b"\x12", delimited(b"\x0a", delimited(b"\x0a", text(logger))) + b"".join(records))
            for logger, records in by_logger.items()
        ]
        return delimited(b"\x0a", self._resource + b"".join(scopes) + self._schema) if scopes else b""

    def _record(self, written_at: int, severity: int, fields: dict[str, Any]) -> bytes:
        level, event = fields.pop("level", None), fields.pop("event", "")
        parts = [b"\x09", FIXED64(_nanoseconds(fields.pop("timestamp", None), written_at))]
        if severity:
            parts += b"\x10", bytes((severity,)), delimited(b"\x1a", text(str(level).upper()))
        parts.append(delimited(b"\x2a", any_value(event)))
        trace_id = _octets(fields, "trace_id", _TRACE_ID_DIGITS)
        span_id = _octets(fields, "span_id", _SPAN_ID_DIGITS)
        _spread_exception(fields)
        parts.append(self._attributes.encode(fields))
        if trace_id:
            parts.append(delimited(b"\x4a", trace_id))
        if span_id:
            parts.append(delimited(b"\x52", span_id))
        parts += b"\x59", FIXED64(written_at)
        return delimited(b"\x12", b"".join(parts))


def _read(line: str) -> dict[str, Any]:
    if line.startswith("{"):
        try:
            fields = json.loads(line)
        except ValueError:
            pass
        else:
            if isinstance(fields, dict):
                return fields
    return {"event": _ANSI.sub("", line)}


def _nanoseconds(timestamp: object, otherwise: int) -> int:
    try:
        return int(datetime.fromisoformat(str(timestamp)).timestamp() * 1000) * 1_000_000
    except ValueError:
        return otherwise


def _octets(fields: dict[str, Any], key: str, digits: int) -> bytes:
    """Take an id out of the fields, if it is one; what else has its name stays an attribute."""
    value = fields.get(key)
    if not isinstance(value, str) or len(value) != digits:
        return b""
    try:
        octets = bytes.fromhex(value)
    except ValueError:
        return b""
    del fields[key]
    return octets


def _spread_exception(fields: dict[str, Any]) -> None:
    """Name an exception's parts as the semantic conventions do."""
    exception = fields.get("exception")
    if not isinstance(exception, dict) or "type" not in exception:
        return
    del fields["exception"]
    fields["exception.type"] = exception["type"]
    fields["exception.message"] = exception.get("message", "")
    rest = {key: value for key, value in exception.items() if key not in {"type", "message"}}
    frames = rest.pop("frames", None)
    if frames:
        fields["exception.stacktrace"] = "\n".join(map(str, frames))
    fields |= {f"exception.{key}": value for key, value in rest.items()}
