"""The driver's client, which also knows where its application tells of operations."""

from typing import Any

from fastapi_factory_utilities.core.plugins.odm_plugin import required  # noqa: F401 - tells how to install what follows

# isort: split
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from fastapi_factory_utilities.core.plugins.odm_plugin.driver_errors import Operations
from fastapi_factory_utilities.core.plugins.odm_plugin.spans import ToldOperations
from fastapi_factory_utilities.core.telemetry import NO_TELEMETRY, Telemetry

__all__ = ["ToldClient", "operations_in", "telemetry_of"]


class ToldClient(AsyncMongoClient[dict[str, Any]]):
    """The driver's client; a database of it is all that a repository needs to tell of what it does.

    Args:
        uri: Where the server is.
        telemetry: Where operations are told of.
        **options: The driver's.

    Attributes:
        telemetry: The same.
    """

    def __init__(
        self, uri: str, *, telemetry: Telemetry = NO_TELEMETRY, **options: Any  # noqa: ANN401 - the driver's own
    ) -> None:
        super().__init__(uri, **options)
        self.telemetry: Telemetry = telemetry
        self._told: dict[tuple[str, str], ToldOperations] = {}

    def operations(self, database: str, collection: str) -> Operations:
        """Return what makes the operations of a collection; the same each time."""
        if not self.telemetry.active:
            return Operations(collection)
        found = self._told.get((database, collection))
        if found is None:
            found = self._told[database, collection] = ToldOperations(self.telemetry, database, collection)
        return found


def operations_in(database: object, collection: str) -> Operations:
    """Return what makes the operations of a collection, told of where the database is one of the plugin's.

    Args:
        database: The driver's database, or what stands in for one.
        collection: The collection's name.
    """
    if isinstance(database, AsyncDatabase) and isinstance(database.client, ToldClient):
        return database.client.operations(database.name, collection)
    return Operations(collection)


def telemetry_of(client: object) -> Telemetry:
    """Return where a client's operations are told of."""
    return client.telemetry if isinstance(client, ToldClient) else NO_TELEMETRY
