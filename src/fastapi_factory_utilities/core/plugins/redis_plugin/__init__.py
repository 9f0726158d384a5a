"""Redis for a service: the plugin, its client, and an inbox.

Importing the package needs no driver; the names that need one say how to install it when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.plugins.redis_client.config import RedisConfig
from fastapi_factory_utilities.core.plugins.redis_client.errors import RedisUnavailableError
from fastapi_factory_utilities.core.plugins.redis_plugin.plugin import RedisPlugin
from fastapi_factory_utilities.core.plugins.redis_plugin.provided import depends_redis_client, depends_redis_inbox

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.redis_client.driver_errors import redis_errors
    from fastapi_factory_utilities.core.plugins.redis_plugin.depends import Client
    from fastapi_factory_utilities.core.plugins.redis_plugin.inbox import RedisInbox

__all__ = [
    "Client",
    "RedisConfig",
    "RedisInbox",
    "RedisPlugin",
    "RedisUnavailableError",
    "depends_redis_client",
    "depends_redis_inbox",
    "redis_errors",
]

_NEED_THE_DRIVER = {
    "RedisInbox": "fastapi_factory_utilities.core.plugins.redis_plugin.inbox",
    "Client": "fastapi_factory_utilities.core.plugins.redis_plugin.depends",
    "redis_errors": "fastapi_factory_utilities.core.plugins.redis_client.driver_errors",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Import what needs the driver when somebody asks for it."""
    if name in _NEED_THE_DRIVER:
        return getattr(import_module(_NEED_THE_DRIVER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
