"""Transactions in memory: what is written is seen by the session alone until it is committed."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import InvalidOperation, OperationFailure

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.odm_plugin.memory.state import State, Workspace

__all__ = ["MemorySession", "write_conflict"]


def write_conflict() -> OperationFailure:
    """Return the error of two transactions that write the same document (112 in MongoDB's error_codes.yml)."""
    labels = ["TransientTransactionError"]
    return OperationFailure("write conflict", 112, {"code": 112, "codeName": "WriteConflict", "errorLabels": labels})


class MemorySession(AsyncClientSession):
    """A session of in-memory repositories; one session serves any of them, as one client's session does.

    It differs from a server's where another writer, outside of any transaction, gets in between: a server lets that
    writer wait, here the transaction is refused when it is committed.
    """

    def __init__(self) -> None:  # the driver's own constructor wants a client
        self._workspaces: dict[State, Workspace] | None = None
        self._has_ended = False

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction was started and neither committed nor given up."""
        return self._workspaces is not None

    @property
    def has_ended(self) -> bool:
        """Whether the session is over."""
        return self._has_ended

    def workspace(self, state: "State") -> "Workspace | None":
        """Return what this transaction sees of a collection; None outside of a transaction.

        Raises:
            InvalidOperation: The session has ended.
        """
        self._check_usable()
        if self._workspaces is None:
            return None
        if state not in self._workspaces:
            self._workspaces[state] = state.begin()
        return self._workspaces[state]

    async def start_transaction(
        self,
        *_: Any,  # noqa: ANN401 - concerns mean nothing here
        **__: Any,  # noqa: ANN401 - same
    ) -> AbstractAsyncContextManager[Any]:
        """Start a transaction; as a context manager it is committed at the end, or given up on an error."""
        self._check_usable()
        if self.in_transaction:
            raise InvalidOperation("Transaction already in progress")
        self._workspaces = {}
        return self._block()

    async def commit_transaction(self) -> None:
        """Make what was written visible to everybody, all of it or nothing.

        Raises:
            OperationFailure: Somebody else has written one of the documents meanwhile.
            DuplicateKeyError: Somebody else has taken a unique value meanwhile.
        """
        workspaces = self._end_transaction()
        for workspace in workspaces:
            workspace.check()
        for workspace in workspaces:
            workspace.publish()

    async def abort_transaction(self) -> None:
        """Forget what was written."""
        self._end_transaction()

    async def end_session(self) -> None:
        """End the session; a transaction that is still open is given up."""
        if self.in_transaction:
            self._end_transaction()
        self._has_ended = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.end_session()

    @asynccontextmanager
    async def _block(self) -> AsyncIterator[None]:
        try:
            yield
        except BaseException:
            if self.in_transaction:
                await self.abort_transaction()
            raise
        if self.in_transaction:
            await self.commit_transaction()

    def _end_transaction(self) -> "list[Workspace]":
        self._check_usable()
        if self._workspaces is None:
            raise InvalidOperation("No transaction started")
        workspaces, self._workspaces = list(self._workspaces.values()), None
        for workspace in workspaces:
            workspace.close()
        return workspaces

    def _check_usable(self) -> None:
        if self._has_ended:
            raise InvalidOperation("Cannot use ended session")
