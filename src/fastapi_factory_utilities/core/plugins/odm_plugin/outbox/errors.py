"""What only the outbox can raise; whatever else fails is an error of `odm_plugin.errors`."""

from fastapi_factory_utilities.core.plugins.odm_plugin.errors import OperationError

__all__ = ["TransactionsNotSupportedError"]


class TransactionsNotSupportedError(OperationError):
    """The server has no transactions: it is a standalone MongoDB, and no member of a replica set."""
