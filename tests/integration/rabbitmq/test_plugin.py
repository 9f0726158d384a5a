"""AiopikaPlugin against a real RabbitMQ: what every plugin does, and what is its own."""

import logging
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from fastapi import Depends
from pamqp.commands import Basic

from fastapi_factory_utilities.core.plugins import PluginNotActiveError, PluginStartError
from fastapi_factory_utilities.core.plugins.aiopika import (
    AiopikaPlugin,
    BrokerConnection,
    Exchange,
    MessageDefinitionError,
    Queue,
    UnroutableMessageError,
    depends_aiopika_robust_connection,
    depends_message_sender,
    depends_publisher,
)
from fastapi_factory_utilities.core.plugins.aiopika.listening_contract import ListeningContext
from fastapi_factory_utilities.core.plugins.messages import OutgoingMessage
from fastapi_factory_utilities.core.plugins.roles import ProcessRole
from fastapi_factory_utilities.core.services.status import ReadinessStatusEnum
from fastapi_factory_utilities.testing import FaultProxy, Server
from fastapi_factory_utilities.testing.conformance import ConnectionPluginConformance
from fastapi_factory_utilities.testing.conformance.plugin import PLANTED
from fastapi_factory_utilities.testing.running import lifespan, running_app
from tests.integration.rabbitmq.shown import BOOKS, COMPONENT, INDEX, App, BookEvents, book, eventually, make_app

CONFORMANCE = Exchange("conformance", "topic", auto_delete=True, durable=False)
KEPT = Queue("conformance.kept", CONFORMANCE, "conformance.#", durable=False, expires_seconds=60, max_length=10)


class TestConformance(ConnectionPluginConformance):
    def make_plugin(self) -> AiopikaPlugin:
        return AiopikaPlugin(queues=[KEPT])

    def make_config(self, uri: str) -> Mapping[str, Any]:
        return {"amqp_url": uri}

    def make_bad_configs(self) -> list[Mapping[str, Any]]:
        url = "amqp://127.0.0.1:1"
        return [
            {},
            {"amqp_url": PLANTED},
            {"amqp_url": f"http://user:{PLANTED}@host"},
            {"amqp_url": f"amqp://user:{PLANTED}@/"},
            {"amqp_url": f"amqp://user:{PLANTED}@a,,b"},
            {"amqp_url": f"amqp://user:{PLANTED}/@host"},
            {"amqp_url": f"amqp://user:{PLANTED}@host:port"},
            {"amqp_url": f"amqp://user:{PLANTED}@host/one/two"},
            {"amqp_url": url, "heartbeat_seconds": PLANTED},
            {"amqp_url": url, "publish_timeout_seconds": 0},
            {"amqp_url": url, "reconnect_base_seconds": 9, "reconnect_max_seconds": 3},
        ]

    @pytest.fixture
    def backend_uri(self, rabbitmq_server: Server) -> str:
        return rabbitmq_server.uri

    async def use(self, plugin: AiopikaPlugin, client: BrokerConnection) -> None:
        await client.publish("conformance", "conformance.used", b"1", Basic.Properties(message_id="used"))


# --- what is its own ---


def test_publishers_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(MessageDefinitionError, match="publishers cannot be told apart: BookEvents 'BookEvents'"):
        AiopikaPlugin(publishers=[BookEvents(BOOKS), BookEvents(BOOKS)])


class Shop(App):
    def configure(self) -> None:
        @self.get_asgi_app().post("/books/{title}", status_code=202)
        async def announce(
            title: str, key: str, events: Annotated[BookEvents, Depends(depends_publisher(BookEvents))]
        ) -> None:
            await events.publish(book(title), key)

        @self.get_asgi_app().get("/waiting")
        async def waiting(
            connection: Annotated[BrokerConnection, Depends(depends_aiopika_robust_connection)],
        ) -> int | None:
            async with connection.channel() as channel:
                return (await channel.declare_queue("books.index", passive=True)).declaration_result.message_count


def make_shop(uri: str, **section: Any) -> App:
    return make_app(uri, AiopikaPlugin(publishers=[BookEvents(BOOKS)], queues=[INDEX]), kind=Shop, **section)


async def test_routes_get_publishers_and_the_connection(rabbitmq_uri: str) -> None:
    app = make_shop(rabbitmq_uri)
    async with running_app(app) as client:
        await eventually(lambda: app.get_status_service().status.readiness is ReadinessStatusEnum.READY)
        assert (await client.post("/books/Emma?key=books.created")).status_code == 202
        assert (await client.get("/waiting")).json() == 1
        sender = depends_message_sender.of(app.get_asgi_app())
        await sender.send(OutgoingMessage(exchange="books", routing_key="books.created", body=b"{}"))
        assert (await client.get("/waiting")).json() == 2


async def test_without_a_broker_requests_are_503_within_their_deadline(
    rabbitmq_uri: str, fault_proxy: Callable[[str], FaultProxy]
) -> None:
    line = fault_proxy(rabbitmq_uri)
    line.refuse()
    async with running_app(make_shop(line.uri, publish_timeout_seconds=0.3)) as client:
        for answer in (await client.post("/books/Emma?key=books.created"), await client.get("/waiting")):
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert "127.0.0.1" not in answer.text
        line.heal()


async def test_publishers_of_one_class_are_told_apart_by_their_names(rabbitmq_uri: str) -> None:
    north, south = BookEvents(BOOKS, "north"), BookEvents(BOOKS, "south")
    app = make_app(rabbitmq_uri, AiopikaPlugin(publishers=[north, south]))
    async with lifespan(app):
        asgi = app.get_asgi_app()
        assert depends_publisher(BookEvents, "north").of(asgi) is north
        assert depends_publisher(BookEvents, "south").of(asgi) is south
        with pytest.raises(PluginNotActiveError):
            depends_publisher(BookEvents).of(asgi)
    with pytest.raises(PluginNotActiveError):
        depends_publisher(BookEvents, "north").of(asgi)


async def test_a_publisher_belongs_to_one_application_at_a_time(rabbitmq_uri: str) -> None:
    events = BookEvents(BOOKS)
    first, second = (make_app(rabbitmq_uri, AiopikaPlugin(publishers=[events])) for _ in range(2))
    async with lifespan(first):
        with pytest.raises(PluginStartError) as caught:
            async with lifespan(second):
                pass
        assert "belongs to another application that runs" in str(caught.value)
    async with lifespan(second):
        assert depends_publisher(BookEvents).of(second.get_asgi_app()) is events


class Recorded:
    """A listener that writes down what it is told."""

    def __init__(self, name: str, *queues: Queue) -> None:
        self.name = name
        self.told: list[str] = []
        self._queues = queues
        self.context: ListeningContext | None = None

    def topology(self) -> tuple[Queue, ...]:
        return self._queues

    async def start(self, context: ListeningContext) -> None:
        self.context = context
        self.told.append("start")

    async def pause(self) -> None:
        self.told.append("pause")

    async def stop(self) -> None:
        assert self.context is not None
        await self.context.connection.ready()
        await self.context.publishing.ready()
        self.told.append("stop")


async def test_listeners_live_as_long_as_the_plugin_and_their_queues_are_declared(
    rabbitmq_uri: str, observer: AbstractChannel
) -> None:
    listener = Recorded("index", INDEX)
    plugin = AiopikaPlugin(listeners=[listener])
    app = make_app(rabbitmq_uri, plugin)
    async with lifespan(app):
        assert listener.told == ["start"]
        assert listener.context is not None
        await listener.context.connection.ready()
        await observer.get_queue("books.index")
        await plugin.on_drain()
    assert listener.told == ["start", "pause", "pause", "stop"], "the application drains by itself"


async def test_listeners_consume_only_where_requests_are_served(rabbitmq_uri: str, observer: AbstractChannel) -> None:
    listener = Recorded("index", INDEX, Queue("mine.alone", exclusive=True))
    plugin = AiopikaPlugin(listeners=[listener])
    app = make_app(rabbitmq_uri, plugin, role=ProcessRole.WORKER)
    async with lifespan(app):
        await depends_aiopika_robust_connection.of(app.get_asgi_app()).ready()
        await observer.get_queue("books.index")
        await plugin.on_drain()
        with pytest.raises(aio_pika.exceptions.ChannelClosed):
            await observer.get_queue("mine.alone")
    assert listener.told == []


def test_two_listeners_of_one_name_are_refused() -> None:
    with pytest.raises(MessageDefinitionError, match="listeners cannot be told apart: index"):
        AiopikaPlugin(listeners=[Recorded("index"), Recorded("index")])


async def test_the_driver_logs_no_message_at_the_level_debug(
    rabbitmq_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_shop(rabbitmq_uri)
    caplog.set_level(logging.DEBUG)
    async with running_app(app) as client:
        await eventually(lambda: app.get_status_service().status.readiness is ReadinessStatusEnum.READY)
        assert (await client.post("/books/a-private-matter?key=books.created")).status_code == 202
        events = depends_publisher(BookEvents).of(app.get_asgi_app())
        with pytest.raises(UnroutableMessageError) as caught:
            await events.publish(book("a-private-matter"), "films.created")
        assert "a-private-matter" not in f"{caught.value} {caught.value!r} {caught.value.fields}"
    assert "a-private-matter" not in caplog.text.replace("/books/a-private-matter", "")


async def test_the_driver_tells_no_password_even_to_those_who_ask_it_for_everything(
    rabbitmq_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    url = rabbitmq_uri.replace("guest:guest@", "guest:a-secret%40word@")
    for name in ("aiormq", "aio_pika"):
        caplog.set_level(logging.DEBUG, name)
    app = make_shop(url)
    told = app.get_status_service().components
    async with lifespan(app):
        await eventually(lambda: "ACCESS_REFUSED" in str(told[COMPONENT]), told=lambda: told)
        assert "a-secret" not in str(told)
    assert "Connecting to" in caplog.text, "it does tell"
    assert "a-secret" not in caplog.text
