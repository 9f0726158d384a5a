"""A lease: what one process at a time has, and loses when it dies.

All times are the server's, so the clocks of the replicas need not agree. The holder counts its own time from before it
asked, on a clock that goes on while the process is frozen: it gives up before anybody else can take over.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

from pymongo import ReturnDocument, timeout
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.plugins.odm_plugin.driver_errors import Operation
from fastapi_factory_utilities.core.plugins.odm_plugin.errors import OperationError
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.collections import collection

__all__ = ["Lease"]

_ID = "lease"
_FREE = "_free"
_LAST_WORD_SECONDS = 0.5


class Lease:
    """One lease, as one process sees it.

    Args:
        database: Where it is kept.
        name: The collection that it has for itself.
        seconds: How long it lasts without being renewed.
    """

    def __init__(self, database: AsyncDatabase[Any], name: str, seconds: float) -> None:
        self._collection = collection(database, name)
        self._seconds = seconds
        self._owner = uuid4().hex
        self._ends = 0.0
        self.term: int = 0
        """How often it has changed hands, counted up to and with the last time it was ours."""

    @property
    def is_held(self) -> bool:
        """Whether it is ours, beyond doubt, at this moment."""
        return time.monotonic() < self._ends

    async def acquire(self) -> bool:
        """Take or renew it, and return whether it is ours now.

        Raises:
            OperationError: The server refused or did not answer.
        """
        asked = time.monotonic()
        found: dict[str, Any] | None
        with Operation(self._collection.name, "acquire"):
            try:
                found = await self._collection.find_one_and_update(
                    {"_id": _ID}, self._claim(), upsert=True, return_document=ReturnDocument.AFTER
                )
            except DuplicateKeyError:
                found = None  # the very first time, and another process was faster
        if found is not None and found["owner"] == self._owner:
            self._ends, self.term = asked + self._seconds, int(found["term"])
            return True
        self._ends = 0.0
        return False

    async def release(self) -> None:
        """Give it back, so that another process can have it at once; a server that is gone is left alone."""
        self._ends = 0.0
        with suppress(OperationError), timeout(_LAST_WORD_SECONDS), Operation(self._collection.name, "release"):
            await self._collection.update_one(
                {"_id": _ID, "owner": self._owner}, {"$unset": {"until": "", "owner": ""}}
            )

    @asynccontextmanager
    async def kept(self, renewal_seconds: float) -> AsyncIterator[None]:
        """Renew it for as long as the body runs; whoever does something with it asks `is_held` first."""
        task = asyncio.create_task(self._renew(renewal_seconds), name=f"lease {self._collection.name}")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _renew(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            with suppress(BackendUnavailableError, OperationError):  # it ends by itself, if this goes on
                await self.acquire()

    def _claim(self) -> list[dict[str, Any]]:
        """The update that makes it ours where it is free; anywhere else it changes nothing."""
        # As numbers: not every server compares a stored date with $$NOW. A missing one is less than any.
        ended = {"$lte": [{"$toLong": "$until"}, {"$toLong": "$$NOW"}]}
        mine = {"$eq": ["$owner", self._owner]}
        next_term = {"$add": [{"$ifNull": ["$term", 0]}, 1]}

        def if_free(value: Any, field: str) -> dict[str, Any]:  # noqa: ANN401 - an expression
            return {"$cond": [f"${_FREE}", value, f"${field}"]}

        return [
            {"$set": {_FREE: {"$or": [mine, ended]}}},
            {
                "$set": {
                    "term": {"$cond": [mine, "$term", if_free(next_term, "term")]},
                    "until": if_free({"$add": ["$$NOW", int(self._seconds * 1000)]}, "until"),
                }
            },
            {"$set": {"owner": if_free(self._owner, "owner")}},
            {"$unset": _FREE},
        ]
