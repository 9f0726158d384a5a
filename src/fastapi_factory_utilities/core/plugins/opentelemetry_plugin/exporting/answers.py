"""What collectors say: partial success, and when to come again."""

from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.target import Outcome
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.wire import fields

__all__ = ["retry_after", "retry_delay", "thanks"]

_LONGEST_REASON = 200
_RETRY_INFO = b"type.googleapis.com/google.rpc.RetryInfo"


def thanks(answer: bytes) -> Outcome:
    """Read an `Export...ServiceResponse`; what cannot be read is taken as a thank-you, as its status said so."""
    rejected, reason = 0, ""
    with suppress(ValueError):
        for number, partial in fields(answer):
            if number != 1 or not isinstance(partial, bytes):
                continue
            for field, value in fields(partial):
                if field == 1 and isinstance(value, int):
                    rejected = value
                elif field == 2 and isinstance(value, bytes):  # noqa: PLR2004 - the field's number
                    reason = value.decode(errors="replace")[:_LONGEST_REASON]
    return Outcome(taken=True, rejected=rejected, reason=reason)


def retry_after(header: str | None) -> float | None:
    """Read `Retry-After` (RFC 9110, 10.2.3), seconds or a date; give seconds from now."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            date = parsedate_to_datetime(header)
        except ValueError:
            return None
        seconds = (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if isfinite(seconds) else None


def retry_delay(details: bytes | str | None) -> float | None:
    """Read the `RetryInfo` of a `google.rpc.Status`, as gRPC's trailer `grpc-status-details-bin` has it.

    Returns:
        Seconds; `None` without one.
    """
    if not isinstance(details, bytes):
        return None
    with suppress(ValueError):
        for number, detail in fields(details):
            if number == 3 and isinstance(detail, bytes):  # noqa: PLR2004 - `details`
                any_fields = dict(fields(detail))
                info = any_fields.get(2)
                if any_fields.get(1) == _RETRY_INFO and isinstance(info, bytes):
                    return _duration(dict(fields(info)).get(1, b""))
    return None


def _duration(message: int | bytes) -> float:
    parts = dict(fields(message)) if isinstance(message, bytes) else {}
    seconds, nanos = parts.get(1, 0), parts.get(2, 0)
    return (seconds if isinstance(seconds, int) else 0) + (nanos if isinstance(nanos, int) else 0) / 1e9
