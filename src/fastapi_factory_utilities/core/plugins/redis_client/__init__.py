"""What every plugin on Redis shares: the section `redis`, its client, its errors. It is no plugin.

Importing the package needs no driver; `make_client` and `redis_errors` say how to install it when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.plugins.redis_client.config import RedisConfig
from fastapi_factory_utilities.core.plugins.redis_client.errors import RedisUnavailableError

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.redis_client.client import make_client
    from fastapi_factory_utilities.core.plugins.redis_client.driver_errors import redis_errors

__all__ = ["RedisConfig", "RedisUnavailableError", "make_client", "redis_errors"]

_NEED_THE_DRIVER = {"make_client": "client", "redis_errors": "driver_errors"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Import what needs the driver when somebody asks for it."""
    if name in _NEED_THE_DRIVER:
        return getattr(import_module(f"{__name__}.{_NEED_THE_DRIVER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
