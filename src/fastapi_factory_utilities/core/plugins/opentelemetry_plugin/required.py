"""Importing this module says whether OpenTelemetry is there; every module that needs it imports this one first."""

from fastapi_factory_utilities.core.plugins.extras import require_extra

__all__ = ["EXTRA", "require_opentelemetry"]

EXTRA = "otel"


def require_opentelemetry() -> None:
    """Check that the extra `otel` is installed.

    Raises:
        MissingExtraError: It is not; the message has the install command.
    """
    require_extra(EXTRA, "opentelemetry.sdk", "opentelemetry.trace")


require_opentelemetry()
