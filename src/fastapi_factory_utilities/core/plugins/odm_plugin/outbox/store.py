"""The collection of messages: every question and every change, and nothing of the driver's to be seen outside."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bson.int64 import Int64
from pymongo import IndexModel, ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DuplicateKeyError

from fastapi_factory_utilities.core.plugins.odm_plugin.client import operations_in
from fastapi_factory_utilities.core.plugins.odm_plugin.driver_errors import Operation
from fastapi_factory_utilities.core.plugins.odm_plugin.errors import OperationError
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.collections import collection
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.records import (
    AT_ONCE,
    ParkedMessage,
    Record,
    State,
    decode,
)

__all__ = ["Backlog", "OutboxStore"]

# How long the last place of a key is remembered; without it a key begins again, at the time, which is later.
_KEY_SECONDS = 86_400
_DUPLICATE = 11000


@dataclass(frozen=True, slots=True)
class Backlog:
    """What has not been sent.

    Attributes:
        oldest_age_seconds: How long the oldest message waits; 0 when none does.
        parked: How many messages were set aside.
    """

    oldest_age_seconds: float
    parked: int


class OutboxStore:
    """Messages in the order in which they are to be sent.

    The order of messages with a key is the order in which their transactions were committed: each takes its place from
    the key's own document, so that of two transactions which are open at a time the second fails, as with every
    document that both change. Places are times of the server's clock, or one more than the last.

    Args:
        database: Where the collection is.
        name: Its name.
        retention_seconds: How long a message stays after it was sent.
    """

    def __init__(self, database: AsyncDatabase[Any], name: str, retention_seconds: float) -> None:
        self.database = database
        self.name = name
        self._retention = timedelta(seconds=retention_seconds)
        self._messages = collection(database, name)
        self._keys = collection(database, f"{name}.keys")
        # What a request does is told of; what the relay looks for again and again is not.
        self._operations = operations_in(database, name)
        self._operations_of_keys = operations_in(database, self._keys.name)

    async def ensure_schema(self) -> None:
        """Make the indexes where they are not yet."""
        with Operation(self.name, "create_indexes"):
            await self._messages.create_indexes(
                [
                    IndexModel([("state", 1), ("order", 1)]),
                    IndexModel([("state", 1), ("key", 1)]),
                    IndexModel([("expires_at", 1)], expireAfterSeconds=0),
                ]
            )
            await self._keys.create_indexes([IndexModel([("used_at", 1)], expireAfterSeconds=_KEY_SECONDS)])

    # Writing

    async def add(self, documents: Sequence[dict[str, Any]], session: AsyncClientSession) -> None:
        """Insert messages as a part of a transaction.

        Raises:
            UnableToCreateEntityDueToDuplicateKeyError: A message of this id is here already.
            OperationError: Its field `transient` is true where another transaction has a message with the same key.
        """
        await self._place(documents, session)
        with self._operations("add"):
            await self._messages.insert_many(documents, session=session)

    async def adopt(self, documents: Sequence[dict[str, Any]]) -> None:
        """Insert messages that lay elsewhere; those that are here already stay as they are."""
        await self._place(documents, None)
        with Operation(self.name, "adopt"):
            try:
                await self._messages.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                problems = error.details.get("writeErrors", [])
                if any(problem.get("code") != _DUPLICATE for problem in problems) or error.details.get(
                    "writeConcernErrors"
                ):
                    raise

    async def _place(self, documents: Iterable[dict[str, Any]], session: AsyncClientSession | None) -> None:
        by_key: dict[str | None, list[dict[str, Any]]] = {}
        for document in documents:
            by_key.setdefault(document.get("key"), []).append(document)
        # In one order, so that two transactions never wait for each other.
        for key in sorted(by_key, key=lambda key: key or ""):
            placed = by_key[key]
            last = _now_us() + len(placed) if key is None else await self._last_place(key, len(placed), session)
            for distance, document in enumerate(reversed(placed)):
                document["order"] = Int64(last - distance)

    async def _last_place(self, key: str, count: int, session: AsyncClientSession | None) -> int:
        """Take places in the order of a key, and return the last of them."""
        now = {"$multiply": [{"$toLong": "$$NOW"}, 1000]}
        following = {"$add": [{"$ifNull": ["$order", 0]}, 1]}
        update = {"order": {"$add": [{"$max": [following, now]}, count - 1]}, "used_at": "$$NOW"}
        with self._operations_of_keys("place"):
            try:
                found = await self._keys.find_one_and_update(
                    {"_id": key}, [{"$set": update}], upsert=True, return_document=ReturnDocument.AFTER, session=session
                )
            except DuplicateKeyError:
                found = None
        if found is None:  # somebody else has made the key's document in this very moment
            raise OperationError(
                f"add in the collection {self.name!r}: another transaction has a message with the same key; try the "
                "whole transaction again",
                collection=self.name,
                operation="add",
                transient=True,
            )
        return int(found["order"])

    # Relaying

    async def due(self, limit: int) -> list[Record]:
        """Return the next messages that may be sent now, in order."""
        now = datetime.now(UTC)
        pending = {"state": State.PENDING.value}
        with Operation(self.name, "due"):
            found = self._messages.find({**pending, "not_before": {"$lte": now}}).sort("order", 1).limit(limit)
            documents = await found.to_list()
            keys = {document["key"] for document in documents if "key" in document}
            if not keys:
                return [decode(document) for document in documents]
            # One of their key waits for its next attempt: those behind it wait with it.
            waiting: dict[str, datetime] = {}
            held = self._messages.find(
                {**pending, "key": {"$in": sorted(keys)}, "not_before": {"$gt": now}}, {"key": 1, "not_before": 1}
            )
            for document in await held.to_list():
                waiting[document["key"]] = max(document["not_before"], waiting.get(document["key"], AT_ONCE))
            for key, until in waiting.items():
                await self._messages.update_many(
                    {**pending, "key": key, "not_before": {"$lt": until}}, {"$set": {"not_before": until}}
                )
        return [decode(document) for document in documents if document.get("key") not in waiting]

    async def sent(self, ids: Collection[str]) -> None:
        """Remember messages as confirmed."""
        if not ids:
            return
        these = {"_id": {"$in": list(ids)}, "state": State.PENDING.value}
        with Operation(self.name, "sent"):
            if not self._retention:
                await self._messages.delete_many(these)
                return
            now = datetime.now(UTC)
            values = {"state": State.SENT.value, "sent_at": now, "expires_at": now + self._retention}
            await self._messages.update_many(these, {"$set": values})

    async def postpone(self, records: Collection[Record], seconds: float) -> None:
        """Let messages, and those behind them, wait: the broker did not answer."""
        await self._postpone(records, datetime.now(UTC) + timedelta(seconds=seconds))

    async def refused(self, record: Record, cause: str, *, retry_in_seconds: float | None) -> None:
        """Remember that the broker refused a message.

        Args:
            record: Which one.
            cause: Why, in words.
            retry_in_seconds: When it is tried again; None to park it.
        """
        this = {"_id": record.id, "state": State.PENDING.value}
        values: dict[str, Any] = {"attempts": record.attempts + 1, "cause": cause}
        if retry_in_seconds is None:
            values["state"] = State.PARKED.value
        with Operation(self.name, "refused"):
            await self._messages.update_one(this, {"$set": values})
        if retry_in_seconds is not None:
            await self._postpone([record], datetime.now(UTC) + timedelta(seconds=retry_in_seconds))

    async def _postpone(self, records: Collection[Record], until: datetime) -> None:
        keys = sorted({record.key for record in records if record.key is not None})
        ids = [record.id for record in records if record.key is None]
        which = [{"_id": {"$in": ids}}] if ids else []
        which += [{"key": {"$in": keys}}] if keys else []
        with Operation(self.name, "postpone"):
            for these in which:
                await self._messages.update_many(
                    {**these, "state": State.PENDING.value}, {"$set": {"not_before": until}}
                )

    # Looking

    async def backlog(self) -> Backlog:
        """Return what has not been sent."""
        with Operation(self.name, "backlog"):
            oldest = await self._messages.find_one({"state": State.PENDING.value}, {"added_at": 1}, sort=[("order", 1)])
            parked = await self._messages.count_documents({"state": State.PARKED.value})
        age = (datetime.now(UTC) - oldest["added_at"]).total_seconds() if oldest else 0.0
        return Backlog(max(0.0, age), parked)

    async def parked(self, limit: int) -> list[ParkedMessage]:
        """Return messages that were set aside, the oldest first."""
        with Operation(self.name, "parked"):
            found = await self._messages.find({"state": State.PARKED.value}).sort("order", 1).limit(limit).to_list()
        return [_parked(document) for document in found]

    async def requeue(self, ids: Collection[str]) -> int:
        """Let messages that were set aside be tried again; without ids, all of them. Return how many."""
        these: dict[str, Any] = {"state": State.PARKED.value}
        if ids:
            these["_id"] = {"$in": list(ids)}
        values = {"state": State.PENDING.value, "attempts": 0, "not_before": AT_ONCE}
        with Operation(self.name, "requeue"):
            done = await self._messages.update_many(these, {"$set": values, "$unset": {"cause": ""}})
        return done.modified_count


def _parked(document: dict[str, Any]) -> ParkedMessage:
    record = decode(document)
    return ParkedMessage(record.message, record.key, record.attempts, document["cause"], document["added_at"])


def _now_us() -> int:
    return int(datetime.now(UTC).timestamp() * 1_000_000)
