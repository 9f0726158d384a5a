"""Where channels come from: the plugin's connection, or one of aio-pika."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiopika.outlet import Channels

__all__ = ["source_of"]


def source_of(connection: Any) -> "Channels":  # noqa: ANN401 - aio-pika's connections share no precise type
    """Return a connection as what opens channels of the driver's lower half."""
    if hasattr(connection, "open_channel"):
        channels: Channels = connection
        return channels
    from fastapi_factory_utilities.core.plugins.aiopika import foreign  # noqa: PLC0415 - listeners need no driver yet

    return foreign.ForeignConnection(connection)
