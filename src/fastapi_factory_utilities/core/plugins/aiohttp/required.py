"""Importing this module says whether aiohttp is there; every module that needs it imports this one first."""

from fastapi_factory_utilities.core.plugins.extras import require_extra

__all__ = ["EXTRA", "require_aiohttp"]

EXTRA = "http"


def require_aiohttp() -> None:
    """Check that the extra `http` is installed.

    Raises:
        MissingExtraError: It is not; the message has the install command.
    """
    require_extra(EXTRA, "aiohttp")


require_aiohttp()
