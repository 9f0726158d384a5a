"""What the tests of RabbitMQ publish, and how they look at what became of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aio_pika.abc import AbstractChannel
from pydantic import BaseModel, SecretStr

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.plugins.aiopika import (
    AbstractPublisher,
    AiopikaConfig,
    AiopikaPlugin,
    BrokerConnection,
    Exchange,
    GenericMessage,
    Queue,
)
from fastapi_factory_utilities.core.plugins.roles import ProcessRole

COMPONENT = "message_broker:RabbitMQ"

BOOKS = Exchange("books", "topic")
INDEX = Queue("books.index", BOOKS, "books.*")


class Book(BaseModel):
    title: str


class BookMessage(GenericMessage[Book]):
    pass


class BookEvents(AbstractPublisher[BookMessage]):
    pass


def book(title: object) -> BookMessage:
    return BookMessage(data=Book(title=str(title)))


class Config(RootConfig):
    """The application's configuration; the section `aiopika` comes with the plugin."""


class App(ApplicationAbstract[Config]):
    PACKAGE_NAME = "tests"


def make_app(
    uri: str, plugin: AiopikaPlugin, *, kind: type[App] = App, role: ProcessRole = ProcessRole.WEB, **section: Any
) -> App:
    application = {
        "service_namespace": "tests",
        "service_name": "books",
        "description": "",
        "version": "1",
        "environment": "production",
    }
    sections = {"application": application, "server": {"drain_seconds": 0}, "aiopika": {"amqp_url": uri, **section}}
    builder = ApplicationGenericBuilder(application_class=kind, plugins=[plugin])
    return builder.add_config(sections).set_role(role).build()


@asynccontextmanager
async def connected(uri: str, **section: Any) -> AsyncIterator[BrokerConnection]:
    """A connection of ours, without an application."""
    config = AiopikaConfig(amqp_url=SecretStr(uri), **section)
    async with BrokerConnection(config, name="test").running() as connection:
        yield connection


async def events_on(connection: BrokerConnection, *, seconds: float | None = None) -> BookEvents:
    """A publisher of events about books, with their exchange and queue declared."""
    await connection.ready()
    await Queue("books.index", Exchange("books", "topic"), "books.*").set_robust_connection(connection).setup()
    events = BookEvents(Exchange("books", "topic"))
    events.set_robust_connection(connection, timeout_seconds=seconds)
    return events


async def take_all(channel: AbstractChannel, queue: str) -> list[bytes]:
    """Take everything out of a queue, with the oldest first."""
    found = []
    source = await channel.get_queue(queue)
    while (message := await source.get(no_ack=True, fail=False)) is not None:
        found.append(message.body)
    return found


async def titles(channel: AbstractChannel, queue: str = "books.index") -> list[str]:
    return [Book.model_validate_json(body).title for body in await take_all(channel, queue)]


async def eventually(holds: Callable[[], object], seconds: float = 10.0, *, told: Callable[[], object] = str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, told()
        await asyncio.sleep(0.01)


async def outcomes(publishing: Iterable[Awaitable[None]]) -> list[BaseException | None]:
    """Await all, and return what each failed with."""
    return list(await asyncio.gather(*publishing, return_exceptions=True))
