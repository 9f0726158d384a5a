"""What a test sees of the broker."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi_factory_utilities.testing.amqp.entries import Entry
from fastapi_factory_utilities.testing.amqp.queues import Queue

__all__ = ["QueueView", "StoredMessage"]


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue, as it is in this moment.

    Attributes:
        ready: How many messages wait.
        unacked: How many messages were delivered and are not settled.
        consumers: How many consumers it has.
    """

    name: str
    ready: int
    unacked: int
    consumers: int
    durable: bool
    exclusive: bool
    auto_delete: bool
    arguments: dict[str, Any]

    @classmethod
    def of(cls, queue: Queue) -> "QueueView":
        """Look at a queue."""
        return cls(
            name=queue.name,
            ready=len(queue.ready),
            unacked=len(queue.unacked),
            consumers=len(queue.consumers),
            durable=queue.durable,
            exclusive=queue.owner is not None,
            auto_delete=queue.auto_delete,
            arguments=dict(queue.arguments),
        )


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message that waits in a queue."""

    exchange: str
    routing_key: str
    body: bytes
    headers: dict[str, Any]
    message_id: str | None
    correlation_id: str | None
    content_type: str | None
    type: str | None
    timestamp: datetime | None
    persistent: bool
    redelivered: bool

    @classmethod
    def of(cls, entry: Entry) -> "StoredMessage":
        """Look at a message."""
        message, properties = entry.message, entry.message.properties
        return cls(
            exchange=message.exchange,
            routing_key=message.routing_key,
            body=message.body,
            headers=dict(message.headers),
            message_id=properties.message_id,
            correlation_id=properties.correlation_id,
            content_type=properties.content_type,
            type=properties.message_type,
            timestamp=properties.timestamp,
            persistent=message.persistent,
            redelivered=entry.redelivered,
        )
