"""What can be declared on a broker by hand: given a connection or a channel, then set up."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol, Self

from fastapi_factory_utilities.core.plugins.aiopika.errors import AiopikaPluginBaseError

if TYPE_CHECKING:
    from aio_pika.abc import AbstractChannel

__all__ = ["ChannelSource", "Resource"]


class ChannelSource(Protocol):
    """A connection, as far as channels are concerned: the plugin's, or one of aio-pika."""

    def channel(self, *, publisher_confirms: bool = ..., on_return_raises: bool = ...) -> "AbstractChannel":
        """Make a channel, to be opened with `async with` or `await`."""
        ...


class Resource(ABC):
    """Something with a connection, a channel, or both.

    The plugin needs none of this: it declares what it was given by itself, whenever the broker appears.
    """

    _connection: ChannelSource | None = None
    _channel: "AbstractChannel | None" = None

    def set_robust_connection(self, connection: Any) -> Self:  # noqa: ANN401 - aio-pika's signatures are looser
        """Give it the connection to use; the plugin's, or one of aio-pika."""
        self._connection = connection
        return self

    def set_channel(self, channel: "AbstractChannel") -> Self:
        """Give it an open channel to use instead of one of its own; a failure closes that channel."""
        self._channel = channel
        return self

    @abstractmethod
    async def setup(self) -> None:
        """Make it usable on the broker; doing it twice is harmless."""

    def _no_connection(self, name: str) -> AiopikaPluginBaseError:
        return AiopikaPluginBaseError(
            f"{type(self).__name__} {name!r} has no connection: give it to AiopikaPlugin, or call "
            f"set_robust_connection() or set_channel() before setup()",
            name=name,
        )
