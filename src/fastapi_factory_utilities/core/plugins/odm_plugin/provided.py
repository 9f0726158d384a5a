"""What `ODMPlugin` provides while it runs; both are FastAPI dependencies."""

from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.plugins.provided import Provided

if TYPE_CHECKING:
    from pymongo import AsyncMongoClient
    from pymongo.asynchronous.database import AsyncDatabase

__all__ = ["depends_odm_client", "depends_odm_database"]

depends_odm_client: "Provided[AsyncMongoClient[dict[str, Any]]]" = Provided("odm_client", plugin="ODMPlugin")
depends_odm_database: "Provided[AsyncDatabase[dict[str, Any]]]" = Provided("odm_database", plugin="ODMPlugin")
