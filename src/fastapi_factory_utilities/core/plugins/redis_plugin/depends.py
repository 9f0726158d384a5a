"""The client as a route parameter: `async def visits(redis: Client)`."""

from typing import Annotated

from fastapi import Depends

from fastapi_factory_utilities.core.plugins.redis_client import required  # noqa: F401 - says how to install the rest

# isort: split
from redis.asyncio import Redis

from fastapi_factory_utilities.core.plugins.redis_plugin.provided import depends_redis_client

__all__ = ["Client"]

Client = Annotated[Redis, Depends(depends_redis_client)]
