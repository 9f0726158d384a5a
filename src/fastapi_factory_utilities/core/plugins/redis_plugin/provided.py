"""What `RedisPlugin` provides while it runs; both are FastAPI dependencies."""

from typing import TYPE_CHECKING

from fastapi_factory_utilities.core.plugins.provided import Provided

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from fastapi_factory_utilities.core.plugins.redis_plugin.inbox import RedisInbox

__all__ = ["depends_redis_client", "depends_redis_inbox"]

depends_redis_client: "Provided[Redis]" = Provided("redis_client", plugin="RedisPlugin")
depends_redis_inbox: "Provided[RedisInbox]" = Provided("redis_inbox", plugin="RedisPlugin")
