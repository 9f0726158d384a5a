"""What the plugin provides, as dependencies: `connection: Annotated[BrokerConnection, Depends(...)]`."""

from typing import TYPE_CHECKING, Any, cast

from fastapi_factory_utilities.core.plugins.provided import Provided

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiopika.connection import BrokerConnection
    from fastapi_factory_utilities.core.plugins.aiopika.publisher import AbstractPublisher
    from fastapi_factory_utilities.core.plugins.messages import MessageSender

__all__ = ["depends_aiopika_robust_connection", "depends_message_sender", "depends_publisher"]

_PLUGIN = "AiopikaPlugin"

depends_aiopika_robust_connection: "Provided[BrokerConnection]" = Provided("aiopika_connection", plugin=_PLUGIN)
depends_message_sender: "Provided[MessageSender]" = Provided("message_sender", plugin=_PLUGIN)
_publishers: "Provided[Any]" = Provided("aiopika_publisher", plugin=_PLUGIN)


def depends_publisher[PublisherT: "AbstractPublisher[Any]"](
    publisher: type[PublisherT], name: str | None = None
) -> Provided[PublisherT]:
    """Return the dependency that gives a publisher of `AiopikaPlugin(publishers=[...])`.

    ::

        Events = Annotated[BookEvents, Depends(depends_publisher(BookEvents))]

    Args:
        publisher: Its class.
        name: Its name, when there are several of one class.
    """
    key = f"{publisher.__module__}.{publisher.__qualname__}"
    return cast("Provided[PublisherT]", _publishers[key if name is None else f"{key}:{name}"])
