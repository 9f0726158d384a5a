"""How the conventions name messages of RabbitMQ: those that are published, and those that an outbox keeps before."""

from typing import Final

from fastapi_factory_utilities.core.telemetry.spans import AttributeValue

__all__ = ["SYSTEM", "message_attributes", "shown_exchange"]

SYSTEM: Final = "rabbitmq"
_DEFAULT_EXCHANGE: Final = "amq.default"


def shown_exchange(exchange: str) -> str:
    """Return what to call an exchange; the default one has no name, and this one in RabbitMQ's own management."""
    return exchange or _DEFAULT_EXCHANGE


def message_attributes(
    *,
    exchange: str,
    routing_key: str,
    size: int,
    queue: str = "",
    message_id: str | None = None,
    correlation_id: str | None = None,
) -> dict[str, AttributeValue]:
    """Return what the span of one message says of it.

    Args:
        exchange: Where it was first published.
        routing_key: What it was routed by.
        size: The bytes of its content.
        queue: Where it was delivered from.
        message_id: Its identity.
        correlation_id: What it belongs to.
    """
    found: dict[str, AttributeValue] = {
        # What is equal is said once.
        "messaging.destination.name": ":".join(dict.fromkeys(filter(None, (exchange, routing_key, queue)))),
        "messaging.message.body.size": size,
    }
    if routing_key:
        found["messaging.rabbitmq.destination.routing_key"] = routing_key
    if message_id:
        found["messaging.message.id"] = message_id
    if correlation_id:
        found["messaging.message.conversation_id"] = correlation_id
    return found
