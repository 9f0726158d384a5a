"""What a plugin takes from another one."""

from typing import Any

from fastapi_factory_utilities.core.plugins.abstracts import PluginAbstract
from fastapi_factory_utilities.core.plugins.errors import PluginError, PluginNotActiveError
from fastapi_factory_utilities.core.plugins.provided import Provided

__all__ = ["needed"]


def needed[T](plugin: PluginAbstract[Any], slot: Provided[T]) -> T:
    """Return what another plugin provides.

    Args:
        plugin: Who needs it.
        slot: Where it is.

    Raises:
        PluginError: It is not there; the message says how to list the two.
    """
    try:
        return slot.of(plugin.context.asgi_app)
    except PluginNotActiveError as error:
        raise PluginError(
            f"{plugin.name} needs what {slot.plugin} provides: list {slot.plugin} in the builder's plugins before "
            f"{plugin.name}, and see that its section is enabled",
            plugin=plugin.name,
            needs=slot.plugin,
        ) from error
