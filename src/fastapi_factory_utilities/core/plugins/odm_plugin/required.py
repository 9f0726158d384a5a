"""Importing this module says whether MongoDB's packages are there; every module that needs them imports it first."""

from fastapi_factory_utilities.core.plugins.extras import require_extra

__all__ = ["EXTRA", "require_mongo"]

EXTRA = "mongo"


def require_mongo() -> None:
    """Check that the extra `mongo` is installed.

    Raises:
        MissingExtraError: It is not; the message has the install command.
    """
    require_extra(EXTRA, "beanie", "pymongo")


require_mongo()
