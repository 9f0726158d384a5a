"""One client to one backend: opened, probed, provided, closed.

A plugin author says the two things only they know, how to open the client and how to tell that the backend answers::

    class CachePlugin(ConnectionPlugin[CacheConfig, Cache]):
        section = "cache"
        component = "cache:main"
        provides = Provided[Cache]("cache", plugin="CachePlugin")

        @asynccontextmanager
        async def open(self) -> AsyncIterator[Cache]:
            async with Cache(self.config.url.get_secret_value()) as cache:
                yield cache

        async def ping(self, client: Cache) -> object:
            return await client.ping()
"""

from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import ClassVar

from fastapi_factory_utilities.core.plugins.abstracts import PluginAbstract
from fastapi_factory_utilities.core.plugins.config import ConnectionConfig
from fastapi_factory_utilities.core.plugins.provided import Provided
from fastapi_factory_utilities.core.services.status import ComponentInstanceType, probing

__all__ = ["ConnectionPlugin"]


class ConnectionPlugin[ConnectionConfigT: ConnectionConfig, ClientT](PluginAbstract[ConnectionConfigT]):
    """The base of a plugin that keeps a client to a backend.

    Attributes:
        component: The key of its health component, such as `"database:MongoDB"`.
        provides: The slot its client is published in while the plugin runs.
    """

    component: ClassVar[str]
    provides: Provided[ClientT]

    @abstractmethod
    def open(self) -> AbstractAsyncContextManager[ClientT]:
        """Open the client, and close it afterwards. Must succeed, at once, while the backend is down (NFR21)."""

    @abstractmethod
    async def ping(self, client: ClientT) -> object:
        """Ask the backend whether it answers; raise when it does not. Cancelled when it takes too long."""

    async def ready(self, client: ClientT) -> None:
        """Do what needs the backend: indexes, topology.

        Called after the first good ping and again after every outage, since a server may come back empty: it must
        bear repetition. The component is not ready before it succeeded; a failure is told and tried again.
        """

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Open, probe, publish; then withdraw, stop probing, close."""
        app, status = self.context.asgi_app, self.context.status
        async with self.open() as client:
            subject = status.register_component_instance(
                ComponentInstanceType.from_key(self.component), required=self.config.required
            )
            try:
                async with probing(
                    subject,
                    partial(self.ping, client),
                    ready=partial(self.ready, client),
                    settings=self.config.health_check,
                ):
                    self.provides.publish(app, client)
                    try:
                        yield
                    finally:
                        self.provides.withdraw(app)
            finally:
                subject.unregister()
