"""A message as the broker delivered it, and its way back."""

from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.plugins.aiopika.dead_letter_headers import attempts_made, origin_of

if TYPE_CHECKING:
    from aiormq.abc import AbstractChannel, DeliveredMessage
    from pamqp.commands import Basic

    from fastapi_factory_utilities.core.plugins.aiopika.consuming_settling import Settling

__all__ = ["Delivery"]


class Delivery:
    """One delivery; settled once, by whoever is first.

    It is a lean form of what aio-pika makes of a delivery, which costs as much as a small message's whole handling.

    Args:
        message: What the driver received.
        settling: Tells the broker.

    Attributes:
        failure: What its handling has failed with, told to the log already.
    """

    __slots__ = (
        "_settling",
        "body",
        "channel",
        "delivery_tag",
        "failure",
        "given_back",
        "headers",
        "properties",
        "raw",
        "settled",
    )

    def __init__(self, message: "DeliveredMessage", settling: "Settling") -> None:
        self._settling = settling
        self.raw: DeliveredMessage = message
        self.body: bytes = message.body
        self.channel: AbstractChannel = message.channel
        self.delivery_tag: int = message.delivery.delivery_tag  # type: ignore[union-attr,assignment]  # consumers get only `Deliver`
        self.properties: Basic.Properties = message.header.properties
        self.headers: dict[str, Any] = message.header.properties.headers or {}
        self.settled: bool = False
        self.given_back: bool = False
        self.failure: Exception | None = None

    @property
    def attempt(self) -> int:
        """Which attempt this is, counted from 1."""
        return attempts_made(self.headers) + 1

    @property
    def redelivered(self) -> bool:
        """Whether the broker has delivered it before, and was given no answer."""
        return bool(self.raw.redelivered)

    @property
    def message_id(self) -> str | None:
        """What its publisher knows it by."""
        return self.properties.message_id

    @property
    def origin(self) -> tuple[str, str]:
        """The exchange and the routing key it was first published with."""
        return origin_of(self.headers, self.raw.exchange or "", self.raw.routing_key or "")

    @property
    def exchange(self) -> str:
        """The exchange it was first published to."""
        return self.origin[0]

    @property
    def routing_key(self) -> str:
        """The routing key it was first published with."""
        return self.origin[1]

    @property
    def times_returned(self) -> int:
        """How often it came back without an answer; only quorum queues count that."""
        count = self.headers.get("x-delivery-count", 0)
        return count if isinstance(count, int) else 0

    @property
    def is_lost(self) -> bool:
        """Whether its channel is gone: it cannot be settled any more, and the broker delivers it again."""
        return self._settling.is_closed

    async def ack(self) -> None:
        """Tell the broker that it is done with; nothing happens where that was told before, or the channel is gone."""
        if not self.settled:
            self.settled = True
            self._settling.ack(self.delivery_tag)

    async def nack(self, *, requeue: bool = True) -> None:
        """Give it back to the broker, to be delivered again or, without `requeue`, to be dropped; see `ack`."""
        if not self.settled:
            self.settled = True
            self.given_back = requeue
            self._settling.nack(self.delivery_tag, requeue=requeue)

    async def reject(self, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - the driver's signature
        """Do as `nack` does; without `requeue` it is dropped."""
        await self.nack(requeue=requeue)
