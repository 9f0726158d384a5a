"""Messages sent to the queues beside their queue, with the broker's word that they are kept."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from fastapi_factory_utilities.core.plugins.aiopika.carried_headers import carried
from fastapi_factory_utilities.core.plugins.aiopika.consuming_delivery import Delivery
from fastapi_factory_utilities.core.plugins.aiopika.consuming_sources import source_of
from fastapi_factory_utilities.core.plugins.aiopika.dead_letter_headers import Cause, dead_headers, retry_headers
from fastapi_factory_utilities.core.plugins.aiopika.errors import UnroutableMessageError
from fastapi_factory_utilities.core.plugins.aiopika.retry_queues import SideQueues
from fastapi_factory_utilities.core.plugins.aiopika.topology import Queue

if TYPE_CHECKING:
    from pamqp.commands import Basic

    from fastapi_factory_utilities.core.plugins.aiopika.outlet import Outlet

__all__ = ["BrokerShelves", "QueueSender"]

_CONFIRM_SECONDS: Final = 5.0
_AT_ONCE: Final = 100
_PERSISTENT: Final = 2


class QueueSender:
    """Sends messages straight to queues.

    Args:
        connection: The plugin's, or one of aio-pika.
    """

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - see `source_of`
        if hasattr(connection, "outlet"):
            self._outlet: Outlet = connection.outlet("")  # one channel for all who send to queues
        else:
            from fastapi_factory_utilities.core.plugins.aiopika import outlet  # noqa: PLC0415 - needs the driver

            self._outlet = outlet.Outlet(source_of(connection), "", _AT_ONCE)

    async def send(self, queue: str, body: bytes, properties: "Basic.Properties", headers: dict[str, Any]) -> None:
        """Send a message to a queue; return when the broker has confirmed that the queue keeps it.

        Args:
            queue: The queue's name.
            body: The content.
            properties: Of the message as it came in.
            headers: Instead of those it came in with.

        Raises:
            UnroutableMessageError: There is no such queue.
            AiopikaPluginBaseError: The broker did not confirm it, or not in time.
        """
        await self._outlet.publish_within(_CONFIRM_SECONDS, queue, body, _copied(properties, headers))


class BrokerShelves:
    """Where the messages of one queue wait for their next attempt, and where they are parked; `handling.Shelves`.

    Args:
        connection: The plugin's, or one of aio-pika.
        queues: The queues beside the queue.
    """

    def __init__(self, connection: Any, queues: SideQueues) -> None:  # noqa: ANN401 - see `source_of`
        self._connection = connection
        self._queues = queues
        self._sender = QueueSender(connection)

    async def put_off(self, delivery: Delivery, *, seconds: float, attempts: int) -> None:
        """See `Shelves.put_off`."""
        headers = retry_headers(delivery.headers, delivery.exchange, delivery.routing_key, attempts)
        queue = self._queues.of_policy(seconds)
        if queue is None:
            queue = self._queues.passing(seconds)
            await self._declare(queue)  # each time: that keeps it from going with the message in it
        await self._send(queue, delivery, headers)

    async def park(self, delivery: Delivery, *, attempts: int, cause: Cause) -> None:
        """See `Shelves.park`."""
        headers = dead_headers(delivery.headers, delivery.exchange, delivery.routing_key, attempts, cause)
        await self._send(self._queues.dead, delivery, headers)

    async def _send(self, queue: Queue, delivery: Delivery, headers: dict[str, Any]) -> None:
        try:
            await self._sender.send(queue.name, delivery.body, delivery.properties, headers)
        except UnroutableMessageError:
            # Somebody has deleted the queue.
            await self._declare(queue)
            await self._sender.send(queue.name, delivery.body, delivery.properties, headers)

    async def _declare(self, queue: Queue) -> None:
        await replace(queue).set_robust_connection(self._connection).setup()


def _copied(properties: "Basic.Properties", headers: dict[str, Any]) -> "Basic.Properties":
    """Copy what belongs to a message; not what belonged to its way here.

    Another user's name would be refused, and an expiration would cut the wait short.
    """
    from pamqp.commands import Basic  # noqa: PLC0415 - reading the package needs no driver

    return Basic.Properties(
        content_type=properties.content_type,
        content_encoding=properties.content_encoding,
        headers=carried(headers),
        delivery_mode=_PERSISTENT,
        priority=properties.priority,
        correlation_id=properties.correlation_id,
        reply_to=properties.reply_to,
        message_id=properties.message_id or uuid4().hex,
        timestamp=properties.timestamp,
        message_type=properties.message_type,
        app_id=properties.app_id,
    )
