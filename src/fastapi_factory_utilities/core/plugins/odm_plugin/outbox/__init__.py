"""A transactional outbox on MongoDB: "save the order and publish OrderCreated" is one atomic thing.

::

    async with outbox.transaction() as tx:
        await books.insert(book, session=tx.session)
        await tx.publish(OutgoingMessage(exchange="books", routing_key="book.added", body=...))

Importing the package needs no driver; the names that need one say how to install it when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.plugins.messages import OutgoingMessage
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.config import OutboxConfig
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.errors import TransactionsNotSupportedError
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.plugin import OutboxPlugin
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.provided import depends_outbox

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.embedding import EmbeddingRepository
    from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.outbox import Outbox, OutboxTransaction
    from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.records import ParkedMessage

__all__ = [
    "EmbeddingRepository",
    "Outbox",
    "OutboxConfig",
    "OutboxPlugin",
    "OutboxTransaction",
    "OutgoingMessage",
    "ParkedMessage",
    "TransactionsNotSupportedError",
    "depends_outbox",
]

_NEED_THE_DRIVER = {
    "EmbeddingRepository": "embedding",
    "Outbox": "outbox",
    "OutboxTransaction": "outbox",
    "ParkedMessage": "records",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Import what needs the driver when somebody asks for it."""
    if name in _NEED_THE_DRIVER:
        return getattr(import_module(f"{__name__}.{_NEED_THE_DRIVER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
