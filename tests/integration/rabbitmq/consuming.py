"""What the tests of listeners share: an application, messages, and what a handler has seen."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from pydantic import BaseModel

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.plugins import PluginAbstract
from fastapi_factory_utilities.core.plugins.aiopika import (
    AbstractListener,
    AbstractPublisher,
    AiopikaPlugin,
    BrokerConnection,
    Exchange,
    GenericMessage,
    Queue,
    depends_aiopika_robust_connection,
)
from fastapi_factory_utilities.core.plugins.inbox import Claim
from fastapi_factory_utilities.testing.running import lifespan

EXCHANGE = Exchange("orders")
QUEUE = Queue("orders.ship", EXCHANGE, "order.*")


class Order(BaseModel):
    number: int


class OrderMessage(GenericMessage[Order]):
    """An order was placed."""


class Orders(AbstractPublisher[OrderMessage]):
    """What happens to orders."""


class Recorder(AbstractListener[OrderMessage]):
    """Remembers what it handled; `does` says what else it does with a message."""

    def __init__(self, *args: Any, does: Callable[[OrderMessage], Any] | None = None, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.does = does
        self.seen: list[OrderMessage] = []
        self.handled: list[int] = []

    async def on_message(self, message: OrderMessage) -> None:
        self.seen.append(message)
        if self.does is not None:
            result = self.does(message)
            if asyncio.iscoroutine(result):
                await result
        self.handled.append(message.data.number)


class App(ApplicationAbstract[RootConfig]):
    PACKAGE_NAME = "tests"

    def configure(self) -> None:
        """Nothing but messages."""


def make_app(
    uri: str,
    listeners: Iterable[AbstractListener[Any]] = (),
    *,
    publisher: Orders | None = None,
    plugins: Iterable[PluginAbstract[Any]] = (),
    app_class: type[App] = App,
    **section: Any,
) -> App:
    application = {
        "service_namespace": "tests",
        "service_name": "orders",
        "description": "",
        "version": "1",
        "environment": "production",
    }
    amqp = AiopikaPlugin(
        listeners=list(listeners), publishers=[] if publisher is None else [publisher], exchanges=[EXCHANGE]
    )
    builder = ApplicationGenericBuilder(application_class=app_class, plugins=[*plugins, amqp])
    return builder.add_config({"application": application, "aiopika": {"amqp_url": uri, **section}}).build()


@asynccontextmanager
async def running(
    uri: str, *listeners: AbstractListener[Any], **more: Any
) -> AsyncIterator[tuple[Orders, BrokerConnection]]:
    """Run an application with these listeners; give a publisher and the connection."""
    publisher = Orders(EXCHANGE)
    app = make_app(uri, listeners, publisher=publisher, **more)
    async with lifespan(app):
        yield publisher, depends_aiopika_robust_connection.of(app.get_asgi_app())


async def until(condition: Callable[[], Any], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


async def count(connection: BrokerConnection, queue: str) -> int:
    """How many messages are ready in a queue."""
    await connection.ready()
    async with connection.channel() as channel:
        declared = await (await channel.get_underlay_channel()).queue_declare(queue, passive=True)
        return declared.message_count or 0


class MemoryInbox:
    """An inbox in the memory of the test's process."""

    def __init__(self) -> None:
        self.keys: dict[str, Claim] = {}

    async def claim(self, key: str) -> Claim:
        found = self.keys.get(key, Claim.NEW)
        if found is Claim.NEW:
            self.keys[key] = Claim.BUSY
        return found

    async def done(self, key: str) -> None:
        self.keys[key] = Claim.DONE

    async def release(self, key: str) -> None:
        self.keys.pop(key, None)
