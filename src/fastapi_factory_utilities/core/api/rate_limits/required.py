"""Importing this module says whether limits is there; every module that needs it imports this one first."""

from fastapi_factory_utilities.core.plugins.extras import require_extra

__all__ = ["EXTRA", "require_limits"]

EXTRA = "limits"


def require_limits() -> None:
    """Check that the extra `limits` is installed.

    Raises:
        MissingExtraError: It is not; the message has the install command.
    """
    require_extra(EXTRA, "limits")


require_limits()
