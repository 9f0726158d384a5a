"""A message as it lies in MongoDB."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from bson.int64 import Int64

from fastapi_factory_utilities.core.plugins.messages import OutgoingMessage

__all__ = ["AT_ONCE", "ParkedMessage", "Record", "State", "decode", "encode"]

AT_ONCE = datetime.fromtimestamp(0, UTC)
"""The time before which a message that was never tried must not be sent: none."""


class State(StrEnum):
    """What became of a message."""

    PENDING = "pending"
    SENT = "sent"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Record:
    """A message that waits.

    Attributes:
        message: What is sent.
        key: What it is kept in order by; messages without a key have no order.
        attempts: How often the broker has refused it.
    """

    message: OutgoingMessage
    key: str | None
    attempts: int

    @property
    def id(self) -> str:
        """The message's id, which is the document's."""
        return self.message.message_id


@dataclass(frozen=True, slots=True)
class ParkedMessage:
    """A message that was set aside, because the broker refused it again and again.

    Attributes:
        message: What was not sent.
        key: What it was kept in order by.
        attempts: How often it was tried.
        cause: What the broker's client said last.
        added_at: When it was written.
    """

    message: OutgoingMessage
    key: str | None
    attempts: int
    cause: str
    added_at: datetime


def encode(message: OutgoingMessage, *, key: str | None) -> dict[str, Any]:
    """Return the document of a message that waits, but for its place in the order."""
    document: dict[str, Any] = {
        "_id": message.message_id,
        "state": State.PENDING.value,
        "order": Int64(0),
        "attempts": 0,
        "not_before": AT_ONCE,
        "added_at": datetime.now(UTC),
        "exchange": message.exchange,
        "routing_key": message.routing_key,
        "body": message.body,
        "content_type": message.content_type,
        "correlation_id": message.correlation_id,
        "type": message.type,
        # Pairs: a header's name may hold what the name of a BSON field should not.
        "headers": [[name, value] for name, value in message.headers.items()],
        "timestamp": message.timestamp,
    }
    if key is not None:
        document["key"] = key
    if message.trace:
        document["trace"] = [[name, value] for name, value in message.trace.items()]
    return document


def decode(document: Mapping[str, Any]) -> Record:
    """Read a document back."""
    message = OutgoingMessage(
        exchange=document["exchange"],
        routing_key=document["routing_key"],
        body=bytes(document["body"]),
        content_type=document["content_type"],
        message_id=document["_id"],
        correlation_id=document["correlation_id"],
        type=document["type"],
        headers=dict(document["headers"]),
        timestamp=document["timestamp"],
        trace=dict(document.get("trace", ())),
    )
    return Record(message, document.get("key"), document["attempts"])
