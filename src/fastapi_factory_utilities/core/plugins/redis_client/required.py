"""Importing this module says whether Redis' package is there; every module that needs it imports this one first."""

from fastapi_factory_utilities.core.plugins.extras import require_extra

__all__ = ["EXTRA", "require_redis"]

EXTRA = "redis"


def require_redis() -> None:
    """Check that the extra `redis` is installed.

    Raises:
        MissingExtraError: It is not; the message has the install command.
    """
    require_extra(EXTRA, "redis")


require_redis()
