"""A connection or a channel of aio-pika, to publish with where no plugin is."""

from typing import TYPE_CHECKING

from fastapi_factory_utilities.core.plugins.aiopika import required  # noqa: F401 - tells how to install what follows

# isort: split
from fastapi_factory_utilities.core.plugins.aiopika.driver_calls import own_cancellations

if TYPE_CHECKING:
    from aio_pika.abc import AbstractChannel
    from aiormq.abc import AbstractChannel as UnderlayChannel

    from fastapi_factory_utilities.core.plugins.aiopika.resource import ChannelSource

__all__ = ["ForeignChannel", "ForeignConnection"]


class ForeignConnection:
    """Opens channels of a connection of aio-pika.

    Args:
        connection: The connection; a robust one comes back by itself.
    """

    last_error: str | None = None
    is_closed: bool = False  # a robust one may come back

    def __init__(self, connection: "ChannelSource") -> None:
        self._connection = connection
        self._channel: AbstractChannel | None = None  # held, because aio-pika's ends when nobody does

    async def open_channel(self, *, confirmed: bool) -> "UnderlayChannel":
        """Open a channel; see `BrokerConnection.open_channel`."""
        with own_cancellations():
            self._channel = self._connection.channel(publisher_confirms=confirmed, on_return_raises=False)
            await self._channel
            return await self._channel.get_underlay_channel()


class ForeignChannel:
    """Uses one open channel of aio-pika, as long as that lasts.

    Args:
        channel: A channel with publisher confirms.
    """

    last_error: str | None = None
    is_closed: bool = False

    def __init__(self, channel: "AbstractChannel") -> None:
        self._channel = channel

    async def open_channel(self, *, confirmed: bool) -> "UnderlayChannel":  # noqa: ARG002 - its own affair
        """Return the channel; see `BrokerConnection.open_channel`."""
        with own_cancellations():
            return await self._channel.get_underlay_channel()
