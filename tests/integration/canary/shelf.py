"""A service with every plugin, whose routes do what careless code does with secrets; tests run it as a process."""

from typing import Annotated, Any

from fastapi import Depends
from pydantic import BaseModel

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins import PluginAbstract
from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource, AioHttpPlugin, AioHttpResourceDepends
from fastapi_factory_utilities.core.plugins.aiopika import (
    AbstractListener,
    AbstractPublisher,
    AiopikaPlugin,
    Exchange,
    GenericMessage,
    Queue,
    depends_publisher,
)
from fastapi_factory_utilities.core.plugins.odm_plugin import Database, ODMPlugin
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryPlugin, trace_span
from fastapi_factory_utilities.core.plugins.redis_plugin import RedisPlugin
from fastapi_factory_utilities.core.plugins.taskiq_plugins import TaskiqPlugin

_log = get_logger(__name__)
SHELF = Exchange("shelf", "topic")


class Item(BaseModel):
    """What is posted, and published."""

    number: int


class ItemMessage(GenericMessage[Item]):
    """A message about one."""


class Items(AbstractPublisher[ItemMessage]):
    """Where they are published."""


class Handler(AbstractListener[ItemMessage]):
    """Fails with whatever it got."""

    async def on_message(self, message: ItemMessage) -> None:
        raise LookupError("this one is never handled")


class App(ApplicationAbstract[RootConfig]):
    """Tells its whole configuration, wherever it can."""

    PACKAGE_NAME = "shelf"

    def secrets(self) -> dict[str, Any]:
        """Return every secret as careless code has it: in clear."""
        found: dict[str, Any] = {}
        for plugin in self.plugins:
            config = getattr(plugin, "config", None)
            if isinstance(config, BaseModel):
                found |= {f"{plugin.name}.{key}": value for key, value in _clear(config).items()}
        return found

    def configure(self) -> None:
        """Add the routes."""
        app = self.get_asgi_app()

        @app.get("/fails")
        async def fails() -> None:
            connected_with = str(self.secrets())
            with trace_span("careless", attributes={"connected_with": connected_with}):
                raise RuntimeError(f"cannot work with {connected_with}")

        @app.get("/logs")
        async def logs() -> None:
            for key, value in self.secrets().items():
                _log.debug("connecting", key=key, value=value)
                _log.info(f"connecting {key} with {value}")
                _log.warning("connecting %s with %s", key, value)

        @app.post("/items")
        async def items(item: Item, publisher: Annotated[Items, Depends(depends_publisher(Items))]) -> None:
            await publisher.publish(ItemMessage(data=item), "items.new", timeout_seconds=0.5)

        @app.get("/database")
        async def database(database: Database) -> int:
            return await database["items"].count_documents({})

        @app.get("/call")
        async def call(
            client: Annotated[AioHttpClientResource, Depends(AioHttpResourceDepends("elsewhere"))], token: str
        ) -> None:
            headers = {"Authorization": f"Bearer {token}"}
            async with (
                client.acquire_client_session(headers=headers) as session,
                session.get("/", params={"token": token}, raise_for_status=True),
            ):
                pass


def _clear(config: BaseModel) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in type(config).model_fields:
        value = getattr(config, name)
        if hasattr(value, "get_secret_value"):
            found[name] = value.get_secret_value()
        elif isinstance(value, dict):
            found |= {key: each.get_secret_value() for key, each in value.items() if hasattr(each, "get_secret_value")}
    return found


class AppBuilder(ApplicationGenericBuilder[App]):
    """With every plugin."""

    def get_default_plugins(self) -> list[PluginAbstract[Any]]:
        """Return them."""
        queue = Queue("shelf.items", SHELF, "items.*")
        return [
            OpenTelemetryPlugin(),
            AioHttpPlugin(),
            ODMPlugin(),
            RedisPlugin(),
            TaskiqPlugin("canary"),
            AiopikaPlugin(publishers=[Items(SHELF)], listeners=[Handler(queue)]),
        ]
