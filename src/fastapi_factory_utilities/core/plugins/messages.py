"""A message on its way out, for those who send one without knowing the broker's client."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from uuid import uuid4

__all__ = ["HeaderValue", "MessageSender", "OutgoingMessage"]

type HeaderValue = str | int | float | bool | datetime | None
"""What a header may be: what every AMQP 0-9-1 client reads, and BSON and JSON can keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """A message, complete but for the broker.

    Attributes:
        exchange: Where it is published; empty is the default exchange.
        routing_key: What the exchange routes it by.
        body: Its content.
        content_type: What the content is (RFC 6838).
        message_id: Its identity, by which an inbox knows it again.
        correlation_id: What it belongs to.
        type: What kind of message it is, for its readers.
        headers: What else its readers should know.
        timestamp: When it came to be, aware.
        trace: The headers that say what caused it, as `Telemetry.inject` writes them, where it was made before and
            elsewhere; by default it belongs to whatever sends it.
    """

    exchange: str
    routing_key: str
    body: bytes = field(repr=False)
    content_type: str = "application/json"
    message_id: str = field(default_factory=lambda: uuid4().hex)
    correlation_id: str | None = None
    type: str | None = None
    headers: Mapping[str, HeaderValue] = field(default_factory=dict, repr=False)
    timestamp: datetime = field(default_factory=lambda: datetime.now(UTC))
    trace: Mapping[str, str] = field(default_factory=dict, repr=False)


class MessageSender(Protocol):
    """Hands messages to a broker."""

    async def send(self, message: OutgoingMessage) -> None:
        """Return when the broker has confirmed that it keeps the message and that it was routed.

        Raises:
            BackendUnavailableError: The broker did not confirm in time; the message may have arrived all the same.
            FastAPIFactoryUtilitiesError: The broker will not take it, now or later; nothing can route it, for example.
        """
        ...
