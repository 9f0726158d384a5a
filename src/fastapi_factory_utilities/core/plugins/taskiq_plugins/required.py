"""Importing this module says whether Taskiq's packages are there; every module that needs them imports it first."""

from fastapi_factory_utilities.core.plugins.extras import require_extra

__all__ = ["EXTRA", "require_taskiq"]

EXTRA = "taskiq"


def require_taskiq() -> None:
    """Check that the extra `taskiq` is installed.

    Raises:
        MissingExtraError: It is not; the message has the install command.
    """
    require_extra(EXTRA, "taskiq", "redis")


require_taskiq()
