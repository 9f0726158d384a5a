"""A door to `core.logs`, for those who look for it here."""

from fastapi_factory_utilities.core.logs import configure_logging, get_logger, reset_logging

__all__ = ["configure_logging", "get_logger", "reset_logging"]
