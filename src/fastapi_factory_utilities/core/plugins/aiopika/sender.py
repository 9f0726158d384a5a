"""Messages that are complete already, handed to the broker: what an outbox relays."""

from typing import TYPE_CHECKING, Any, Final

from fastapi_factory_utilities.core.plugins.aiopika import required  # noqa: F401 - tells how to install what follows

# isort: split
from pamqp.commands import Basic

from fastapi_factory_utilities.core.plugins.messages import OutgoingMessage

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiopika.connection import BrokerConnection

__all__ = ["ConfirmedSender"]

_PERSISTENT: Final = 2


class ConfirmedSender:
    """The `MessageSender` of this plugin: persistent, mandatory, confirmed, within the section's deadline.

    Args:
        connection: The connection for publishing.
    """

    def __init__(self, connection: "BrokerConnection") -> None:
        self._connection = connection

    async def send(self, message: OutgoingMessage) -> None:
        """Return when the broker has confirmed that it keeps the message in a queue.

        Raises:
            BrokerUnavailableError: It did not confirm in time; the message may have arrived all the same.
            UnroutableMessageError: No queue takes it.
            AiopikaPluginBaseError: The broker does not allow it.
        """
        headers: dict[str, Any] = dict(message.headers)
        properties = Basic.Properties(
            content_type=message.content_type,
            delivery_mode=_PERSISTENT,
            headers=headers,
            message_id=message.message_id,
            correlation_id=message.correlation_id,
            message_type=message.type,
            timestamp=message.timestamp,
        )
        await self._connection.publish(
            message.exchange, message.routing_key, message.body, properties, trace=message.trace
        )
