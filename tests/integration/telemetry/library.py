"""A service with all of it: MongoDB, an outbox, RabbitMQ (in memory), a listener, and tasks (in memory)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import httpx
from fastapi import Depends

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.aiohttp import (
    AioHttpClientResource,
    AioHttpPlugin,
    AioHttpResourceDepends,
)
from fastapi_factory_utilities.core.plugins.aiopika import (
    AbstractPublisher,
    AiopikaPlugin,
    Exchange,
    GenericMessage,
    Queue,
    RetryPolicy,
    depends_aiopika_robust_connection,
    depends_message_sender,
    depends_publisher,
    listen,
)
from fastapi_factory_utilities.core.plugins.aiopika.dead_letters import DeadLetters
from fastapi_factory_utilities.core.plugins.odm_plugin import Database, ODMPlugin
from fastapi_factory_utilities.core.plugins.odm_plugin.inbox import InboxPlugin, depends_inbox
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox import Outbox, OutboxPlugin, depends_outbox
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryPlugin
from fastapi_factory_utilities.core.plugins.taskiq_plugins import (
    CurrentTask,
    TaskiqPlugin,
    Tasks,
    injected,
    task,
)
from fastapi_factory_utilities.core.plugins.taskiq_plugins import RetryPolicy as TaskRetryPolicy
from fastapi_factory_utilities.testing.running import running_app
from fastapi_factory_utilities.testing.telemetry import SpanCapture
from tests.contracts.library import Book, BookDocument, Books

__all__ = ["Library", "library", "make_shop"]

_log = get_logger(__name__)

ABOUT = {"service_namespace": "tests", "description": "", "version": "1", "environment": "production"}
BOOKS = Exchange("books", "topic")
INDEX = Queue("index", BOOKS, "book.*")


class BookAdded(GenericMessage[dict[str, str]]):
    pass


class BookEvents(AbstractPublisher[BookAdded]):
    pass


Shop = Annotated[AioHttpClientResource, Depends(AioHttpResourceDepends("shop"))]


@task("index_book", retry=TaskRetryPolicy(max_attempts=2, base_seconds=0.02, jitter=0))
async def index_book(title: str, database: Database = injected, task: CurrentTask = injected) -> int:
    _log.info("task at work", title=title)
    if "unlucky" in title and task.attempt == 1:
        raise ConnectionError(f"the index is away, {title}")
    return await Books(database).count({"title": title})


@task("order_book")
async def order_book(title: str, shop: Shop = injected) -> int:
    async with shop.acquire_client_session() as session, session.get(f"stock/{title}") as response:
        return int(await response.text())


@listen(INDEX, retry=RetryPolicy(attempts=2, first_delay_seconds=0.02), inbox=depends_inbox)
async def index(message: BookAdded, tasks: Tasks) -> None:
    title = message.data["title"]
    _log.info("message at work", title=title)
    if "hopeless" in title or ("unlucky" in title and message.attempt == 1):
        raise ConnectionError(f"the shelf is away, {title}")
    await tasks.get_task(order_book if title == "ordered" else index_book).kiq(title)


Events = Annotated[BookEvents, Depends(depends_publisher(BookEvents))]
SavedEvents = Annotated[Outbox, Depends(depends_outbox)]


class Library(ApplicationAbstract[RootConfig]):
    PACKAGE_NAME = "tests"
    ODM_DOCUMENT_MODELS = (BookDocument,)

    def configure(self) -> None:
        """Add the routes."""
        app = self.get_asgi_app()

        @app.post("/said")
        async def say(title: str, events: Events, routing_key: str = "book.added") -> None:
            await events.publish(BookAdded(data={"title": title}).set_correlation_id("shelf 7"), routing_key)

        @app.post("/said/all")
        async def say_all(titles: list[str], events: Events) -> None:
            await events.publish_many([BookAdded(data={"title": title}) for title in titles], "book.added")

        @app.post("/saved")
        async def save(title: str, database: Database, outbox: SavedEvents) -> None:
            async with outbox.transaction() as tx:
                await Books(database).insert(Book(title=title), session=tx.session)
                await tx.publish(BookAdded(data={"title": title}).to_outgoing(BOOKS, "book.added"))

        @app.post("/later")
        async def later(title: str, tasks: Tasks) -> None:
            await tasks.get_task(index_book).schedule_at(datetime.now(UTC), title)

        @app.post("/revived")
        async def revive(connection: Annotated[Any, Depends(depends_aiopika_robust_connection)]) -> int:
            return await DeadLetters(INDEX, connection).requeue_all()


@asynccontextmanager
async def library(
    mongo_uri: str, amqp_url: str, capture: SpanCapture | None, **more: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """Run the service; wait until it is ready."""
    sections: dict[str, Any] = {
        "application": {"service_name": "library", **ABOUT},
        "odm": {"uri": mongo_uri},
        "aiopika": {"amqp_url": amqp_url},
        "inbox": {},
        "outbox": {"poll_interval_seconds": 0.05},
        "redis": {"url": "redis://127.0.0.1:1/0"},  # nobody asks it
        "taskiq": {"in_memory": True},
        **({"opentelemetry": {"exporter": "none", "meter_config": {"pull": True}}} if capture else {}),
        **more,
    }
    plugins = [
        *([OpenTelemetryPlugin(sinks=[capture])] if capture else []),
        ODMPlugin(),
        InboxPlugin(),
        TaskiqPlugin("books", tasks=[index_book, order_book]),
        AiopikaPlugin([index], [BookEvents(BOOKS)]),
        OutboxPlugin(depends_message_sender),
        *([AioHttpPlugin()] if "dependencies" in more else []),
    ]
    app = ApplicationGenericBuilder(application_class=Library, plugins=plugins).add_config(sections).build()
    async with running_app(app) as client:
        async with asyncio.timeout(20):
            while app.get_status_service().status.readiness != "ready":
                await asyncio.sleep(0.02)
        yield client


class ShopApplication(ApplicationAbstract[RootConfig]):
    PACKAGE_NAME = "tests"

    def configure(self) -> None:
        """Add the route."""

        @self.get_asgi_app().get("/stock/{title}")
        async def count(title: str) -> int:
            return len(title)


def make_shop(capture: SpanCapture) -> ShopApplication:
    """Make the next service, which the library asks over HTTP."""
    sections = {"application": {"service_name": "shop", **ABOUT}, "opentelemetry": {"exporter": "none"}}
    builder = ApplicationGenericBuilder(
        application_class=ShopApplication, plugins=[OpenTelemetryPlugin(sinks=[capture])]
    )
    return builder.add_config(sections).build()
