"""What is told of messages on their way through RabbitMQ: a span and figures for each that is published or handled."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from fastapi_factory_utilities.core.telemetry import NO_TELEMETRY, SpanKind, Telemetry
from fastapi_factory_utilities.core.telemetry.conventions import DELIVERY_ATTEMPT
from fastapi_factory_utilities.core.telemetry.messaging import MessageOperation, MessageScope
from fastapi_factory_utilities.core.telemetry.rabbitmq import SYSTEM, message_attributes, shown_exchange

if TYPE_CHECKING:
    from pamqp.commands import Basic

    from fastapi_factory_utilities.core.plugins.aiopika.consuming_delivery import Delivery

__all__ = ["HandlingSpans", "PublishingSpans", "telemetry_of"]


def telemetry_of(connection: object) -> Telemetry:
    """Return the telemetry of the plugin whose connection this is; of any other, one that records nothing."""
    found = getattr(connection, "telemetry", None)
    return found if isinstance(found, Telemetry) else NO_TELEMETRY


class PublishingSpans:
    """Tells of messages published to one exchange.

    Args:
        telemetry: Where.
        exchange: The exchange's name.
    """

    __slots__ = ("_created_before", "_exchange", "_published", "_telemetry")

    def __init__(self, telemetry: Telemetry, exchange: str) -> None:
        self._telemetry = telemetry
        self._exchange = exchange
        self._published = _publish(telemetry, SpanKind.PRODUCER, exchange)
        # Of a message that an outbox has kept, the span that made it is the producer.
        self._created_before = _publish(telemetry, SpanKind.CLIENT, exchange)

    @property
    def active(self) -> bool:
        """Whether anybody wants to know."""
        return self._telemetry.active

    def publishing(
        self,
        routing_key: str,
        size: int,
        properties: "Basic.Properties",
        trace: Mapping[str, Any] | None = None,
    ) -> MessageScope:
        """Tell of one message while the scope lasts, and let its headers say where it comes from.

        Args:
            routing_key: What it is routed by.
            size: The bytes of its content.
            properties: What else is sent; its headers are added to.
            trace: What its headers shall say instead, where the message was made before, elsewhere.
        """
        return _Publishing(
            self._created_before if trace else self._published, self._exchange, routing_key, size, properties, trace
        )


class _Publishing(MessageScope):
    __slots__ = ("_exchange", "_properties", "_routing_key", "_size", "_trace")

    def __init__(
        self,
        operation: MessageOperation,
        exchange: str,
        routing_key: str,
        size: int,
        properties: "Basic.Properties",
        trace: Mapping[str, Any] | None,
    ) -> None:
        super().__init__(operation, operation.scope(trace or None, (trace,) if trace else ()))
        self._exchange = exchange
        self._routing_key = routing_key
        self._size = size
        self._properties = properties
        self._trace = trace

    def __enter__(self) -> Self:
        super().__enter__()
        properties = self._properties
        headers: dict[str, Any] = properties.headers  # type: ignore[assignment]  # ours always have some
        if self._trace:
            headers.update(self._trace)
        else:
            self._operation.telemetry.inject(headers)
        if self.span.is_recording():
            self.span.set_attributes(
                message_attributes(
                    exchange=self._exchange,
                    routing_key=self._routing_key,
                    size=self._size,
                    message_id=properties.message_id,
                    correlation_id=properties.correlation_id,
                )
            )
        return self


class HandlingSpans:
    """Tells of messages handled of one queue.

    Args:
        telemetry: Where.
        queue: The queue's name.
    """

    __slots__ = ("_handled", "_queue", "_telemetry")

    def __init__(self, telemetry: Telemetry, queue: str) -> None:
        self._telemetry = telemetry
        self._queue = queue
        self._handled = MessageOperation(
            telemetry,
            SpanKind.CONSUMER,
            system=SYSTEM,
            operation="process",
            operation_type="process",
            target=queue,
            attributes={"messaging.destination.template": queue},
        )

    @property
    def active(self) -> bool:
        """Whether anybody wants to know."""
        return self._telemetry.active

    def handling(self, delivery: "Delivery") -> MessageScope:
        """Tell of one delivery while the scope lasts; whoever published the message is the span's parent."""
        return _Handling(self._handled, self._queue, delivery)


class _Handling(MessageScope):
    __slots__ = ("_delivery", "_queue")

    def __init__(self, operation: MessageOperation, queue: str, delivery: "Delivery") -> None:
        super().__init__(operation, operation.scope(delivery.headers))
        self._queue = queue
        self._delivery = delivery

    def __enter__(self) -> Self:
        super().__enter__()
        if self.span.is_recording():
            delivery = self._delivery
            exchange, routing_key = delivery.origin
            self.span.set_attributes(
                message_attributes(
                    exchange=exchange,
                    routing_key=routing_key,
                    queue=self._queue,
                    size=len(delivery.body),
                    message_id=delivery.message_id,
                    correlation_id=delivery.properties.correlation_id,
                )
            )
            self.span.set_attribute("messaging.rabbitmq.message.delivery_tag", delivery.delivery_tag)
            self.span.set_attribute(DELIVERY_ATTEMPT, delivery.attempt)
        return self


def _publish(telemetry: Telemetry, kind: SpanKind, exchange: str) -> MessageOperation:
    return MessageOperation(
        telemetry,
        kind,
        system=SYSTEM,
        operation="publish",
        operation_type="send",
        target=shown_exchange(exchange),
        attributes={"messaging.destination.template": shown_exchange(exchange)},
    )
