"""The database and its client as route parameters: `async def list_books(database: Database)`."""

from typing import Annotated, Any

from fastapi import Depends

from fastapi_factory_utilities.core.plugins.odm_plugin import required  # noqa: F401 - tells how to install what follows

# isort: split
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from fastapi_factory_utilities.core.plugins.odm_plugin.provided import depends_odm_client, depends_odm_database

__all__ = ["Client", "Database"]

Client = Annotated[AsyncMongoClient[dict[str, Any]], Depends(depends_odm_client)]
Database = Annotated[AsyncDatabase[dict[str, Any]], Depends(depends_odm_database)]
