"""Whether a server has transactions."""

from collections.abc import Mapping
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from fastapi_factory_utilities.core.plugins.odm_plugin.driver_errors import Operation
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.errors import TransactionsNotSupportedError

__all__ = ["EMBEDDED", "has_transactions", "require_transactions"]

EMBEDDED = (
    "use the outbox's embedded mode: let repositories extend EmbeddingRepository, and name their documents in "
    "OutboxPlugin(embedded_in=[...])"
)
"""What the outbox has for servers without transactions."""


def has_transactions(hello: Mapping[str, Any]) -> bool:
    """Whether a server that answers `hello` like this is a member of a replica set, or routes to some (mongos)."""
    return "setName" in hello or hello.get("msg") == "isdbgrid"


async def require_transactions(database: AsyncDatabase[Any], collection: str, *, otherwise: str) -> None:
    """Check that transactions will work.

    Args:
        database: Where.
        collection: Who needs them.
        otherwise: What can be done without them, for the error.

    Raises:
        TransactionsNotSupportedError: They will not; the message says what can be done.
        DatabaseUnavailableError: The server did not answer.
    """
    with Operation(collection, "hello"):
        hello = await database.client.admin.command("hello")
    if not has_transactions(hello):
        raise TransactionsNotSupportedError(
            f"the collection {collection!r} needs transactions, and this MongoDB is a standalone server, which has "
            f"none: make it a replica set (one member is enough), or {otherwise}",
            collection=collection,
            operation="transaction",
        )
