"""Where a message comes from, kept with it: by the time it is sent, the request that saved it is over."""

from dataclasses import replace

from fastapi_factory_utilities.core.plugins.messages import OutgoingMessage
from fastapi_factory_utilities.core.telemetry import SpanKind, Telemetry
from fastapi_factory_utilities.core.telemetry.messaging import MessageOperation
from fastapi_factory_utilities.core.telemetry.rabbitmq import SYSTEM, message_attributes, shown_exchange

__all__ = ["with_trace"]


def with_trace(message: OutgoingMessage, telemetry: Telemetry) -> OutgoingMessage:
    """Return a message that says what caused it, which whoever handles it will have as its parent.

    That is a span of its own here and now ("create", in the words of the conventions): the relay sends it later, maybe
    in another process and more than once. One that says already what caused it is left alone.

    Args:
        message: What will be published.
        telemetry: Where it is told of.
    """
    if message.trace or not telemetry.active:
        return message
    target = shown_exchange(message.exchange)
    creation = MessageOperation(
        telemetry,
        SpanKind.PRODUCER,
        system=SYSTEM,
        operation="create",
        operation_type="create",
        target=target,
        attributes={"messaging.destination.template": target},
    )
    trace: dict[str, str] = {}
    with creation.begin() as created:
        telemetry.inject(trace)
        if created.span.is_recording():
            created.span.set_attributes(
                message_attributes(
                    exchange=message.exchange,
                    routing_key=message.routing_key,
                    size=len(message.body),
                    message_id=message.message_id,
                    correlation_id=message.correlation_id,
                )
            )
    return replace(message, trace=trace)
