"""`RedisPlugin`: one client, its health, the dependencies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar

from fastapi_factory_utilities.core.plugins.connection import ConnectionPlugin
from fastapi_factory_utilities.core.plugins.extras import require_extra
from fastapi_factory_utilities.core.plugins.redis_client.config import RedisConfig
from fastapi_factory_utilities.core.plugins.redis_plugin.provided import depends_redis_client, depends_redis_inbox

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["RedisPlugin"]


class RedisPlugin(ConnectionPlugin[RedisConfig, "Redis"]):
    """Connects the application to Redis: one server, or the primary that Sentinels name.

    The service starts while Redis is away. Its client's answers are bytes; what it raises while Redis is away becomes a
    `RedisUnavailableError`, and so a 503 problem, inside `with redis_errors("count a visit"):`.

    Args:
        config: Instead of the section `redis`.
    """

    section: ClassVar[str] = "redis"
    component: ClassVar[str] = "cache:Redis"
    provides = depends_redis_client

    def on_load(self) -> None:
        """Check that the extra is installed.

        Raises:
            MissingExtraError: It is not.
        """
        require_extra("redis", "redis")

    @asynccontextmanager
    async def open(self) -> "AsyncIterator[Redis]":
        """Make the client, which connects when it is used."""
        # A disabled plugin needs no driver.
        from fastapi_factory_utilities.core.plugins.redis_client.client import make_client  # noqa: PLC0415 - see above

        name, telemetry = self.context.config.application.service_name, self.context.telemetry
        async with make_client(self.config, name=name, telemetry=telemetry) as client:
            yield client

    async def ping(self, client: "Redis") -> object:
        """Ask the server whether it answers; nobody's request does, so that it is not told of."""
        from redis.asyncio import Redis  # noqa: PLC0415 - as in `open`

        return await Redis.execute_command(client, "PING")  # type: ignore[no-untyped-call]  # the driver's

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Provide an inbox beside the client; its keys are this service's own."""
        from fastapi_factory_utilities.core.plugins.redis_plugin.inbox import RedisInbox  # noqa: PLC0415 - as in `open`

        app, service = self.context.asgi_app, self.context.config.application
        async with super().lifespan():
            inbox = RedisInbox(
                depends_redis_client.of(app),
                prefix=f"{service.service_namespace}:{service.service_name}:inbox:",
                lease_seconds=self.config.inbox_lease_seconds,
                retention_seconds=self.config.inbox_retention_seconds,
            )
            depends_redis_inbox.publish(app, inbox)
            try:
                yield
            finally:
                depends_redis_inbox.withdraw(app)
