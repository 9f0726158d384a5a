"""OutboxPlugin in an application: what every plugin does, its health, and its stop."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.exceptions import BackendUnavailableError, FastAPIFactoryUtilitiesError
from fastapi_factory_utilities.core.plugins import PluginAbstract, PluginStartError, Provided
from fastapi_factory_utilities.core.plugins.messages import MessageSender
from fastapi_factory_utilities.core.plugins.odm_plugin import Database, ODMPlugin
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox import Outbox, OutboxPlugin, depends_outbox
from fastapi_factory_utilities.core.services.status import ComponentState, HealthStatusEnum, ReadinessStatusEnum
from fastapi_factory_utilities.testing import FaultProxy, Server
from fastapi_factory_utilities.testing.conformance import PluginConformance
from fastapi_factory_utilities.testing.conformance.plugin import PLANTED
from fastapi_factory_utilities.testing.conformance.stage import build
from fastapi_factory_utilities.testing.running import running_app
from tests.contracts.library import Book, BookDocument, Books
from tests.integration.outbox.post import EmbeddingBooks, Recorder, event, eventually
from tests.integration.outbox.test_outbox import Standalone

sender_of = Provided[MessageSender]("recorder", plugin="RecorderPlugin")


class RecorderPlugin(PluginAbstract):
    """A broker's plugin, as far as the outbox knows one."""

    def __init__(self, sender: Recorder | None = None) -> None:
        super().__init__()
        self.sender = sender or Recorder()

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        sender_of.publish(self.context.asgi_app, self.sender)
        yield
        sender_of.withdraw(self.context.asgi_app)


class TestConformance(PluginConformance):
    def make_plugin(self) -> OutboxPlugin:
        return OutboxPlugin(sender_of)

    def make_bad_configs(self) -> list[Mapping[str, Any]]:
        return [
            {"collection": f"$ {PLANTED}"},
            {"batch_size": 0},
            {"batch_size": PLANTED},
            {"lease_seconds": 0.1},
            {"max_attempts": 0},
            {"retention_seconds": -1},
            {"poll_interval_seconds": PLANTED},
        ]

    def build(self, uri: str, *more: PluginAbstract[Any], log_level: str = "info") -> ApplicationAbstract[Any]:
        """With the plugins that it needs before it."""
        plugins = [ODMPlugin(), RecorderPlugin(), self.make_plugin(), *more]
        return build(plugins, {"odm": {"uri": uri}, "outbox": {}}, log_level=log_level)

    @pytest.fixture
    def uri(self, mongo_uri: str) -> str:
        return mongo_uri

    async def check_running(self, application: ApplicationAbstract[Any]) -> None:
        async with asyncio.timeout(5):
            while application.get_status_service().status.readiness is not ReadinessStatusEnum.READY:
                await asyncio.sleep(0.01)
        async with depends_outbox.of(application.get_asgi_app()).transaction() as tx:
            await tx.publish(event(f"message {time.monotonic_ns()}"))


class App(ApplicationAbstract[RootConfig]):
    PACKAGE_NAME = "tests"
    ODM_DOCUMENT_MODELS = (BookDocument,)

    def configure(self) -> None:
        @self.get_asgi_app().post("/books/{title}")
        async def add(title: str, database: Database, outbox: Annotated[Outbox, Depends(depends_outbox)]) -> None:
            async with outbox.transaction() as tx:
                await Books(database).insert(Book(title=title), session=tx.session)
                await tx.publish(event(title))


def make_app(uri: str, sender: Recorder, *, embedded_in: Any = (), **outbox: Any) -> App:
    application = {
        "service_namespace": "tests",
        "service_name": "tests",
        "description": "",
        "version": "1",
        "environment": "production",
    }
    sections = {"application": application, "odm": {"uri": uri, "operation_timeout_ms": 1000}, "outbox": outbox}
    plugins = [ODMPlugin(), RecorderPlugin(sender), OutboxPlugin(sender_of, embedded_in=embedded_in)]
    return ApplicationGenericBuilder(application_class=App, plugins=plugins).add_config(sections).build()


def component(app: App) -> ComponentState:
    return app.get_status_service().components["message_broker:outbox"]


async def ready(client: httpx.AsyncClient, status: int = 200) -> None:
    async with asyncio.timeout(10):
        while (await client.get("/api/v1/sys/readiness")).status_code != status:
            await asyncio.sleep(0.02)


async def test_a_route_saves_and_publishes(mongo_uri: str) -> None:
    sender = Recorder()
    async with running_app(make_app(mongo_uri, sender)) as client:
        await ready(client)
        assert (await client.post("/books/Emma")).status_code == 200
        await eventually(lambda: sender.sent == ["Emma"])
        assert (await client.post("/books/Emma")).status_code == 500, "there is one already"
        await client.post("/books/Anna")
        await eventually(lambda: sender.sent == ["Emma", "Anna"])


async def test_a_process_that_only_writes_leaves_it_to_another_one(mongo_uri: str) -> None:
    here, there = Recorder(), Recorder()
    async with running_app(make_app(mongo_uri, here, relay=False)) as client:
        await ready(client)
        await client.post("/books/Emma")
        async with running_app(make_app(mongo_uri, there)) as other:
            await ready(other)
            await eventually(lambda: there.sent == ["Emma"])
    assert here.sent == []


async def test_health_says_that_messages_wait_for_too_long(mongo_uri: str) -> None:
    sender = Recorder()
    sender.error = lambda _: BackendUnavailableError("no broker")
    look = {"interval_seconds": 0.05, "timeout_seconds": 1.0}
    app = make_app(mongo_uri, sender, degraded_after_seconds=0.2, health_check=look)
    async with running_app(app) as client:
        await ready(client)
        await client.post("/books/Emma")
        await eventually(lambda: component(app).status.health is HealthStatusEnum.DEGRADED)
        assert "waits longer than 0.2 s" in str(component(app).status.reason)
        await ready(client)
        sender.error = lambda _: None
        await eventually(lambda: component(app).status.health is HealthStatusEnum.HEALTHY, seconds=5)
        assert sender.sent == ["Emma"]


async def test_health_says_that_messages_are_parked_until_they_are_requeued(mongo_uri: str) -> None:
    sender = Recorder()
    sender.error = lambda _: FastAPIFactoryUtilitiesError("nothing takes it")
    look = {"interval_seconds": 0.05, "timeout_seconds": 1.0}
    app = make_app(mongo_uri, sender, max_attempts=1, health_check=look)
    async with running_app(app) as client:
        await ready(client)
        await client.post("/books/Emma")
        await eventually(lambda: component(app).status.health is HealthStatusEnum.DEGRADED)
        assert "1 message is parked" in str(component(app).status.reason)
        sender.error = lambda _: None
        assert await depends_outbox.of(app.get_asgi_app()).requeue() == 1
        await eventually(lambda: component(app).status.health is HealthStatusEnum.HEALTHY)
        assert sender.sent == ["Emma"]


async def test_it_starts_without_a_database_and_relays_when_there_is_one(
    mongo_uri: str, fault_proxy: Callable[[str], FaultProxy]
) -> None:
    line = fault_proxy(mongo_uri)
    line.refuse()
    sender = Recorder()
    async with running_app(make_app(line.uri, sender)) as client:
        assert (await client.post("/books/Emma")).status_code == 503
        line.heal()
        await ready(client)
        assert (await client.post("/books/Emma")).status_code == 200
        await eventually(lambda: sender.sent == ["Emma"])


@pytest.mark.parametrize("fault", ["freeze", "refuse"])
async def test_it_stops_in_time_while_the_database_is_away(
    mongo_uri: str, fault_proxy: Callable[[str], FaultProxy], fault: str
) -> None:
    line = fault_proxy(mongo_uri)
    async with running_app(make_app(line.uri, Recorder())) as client:
        await ready(client)
        getattr(line, fault)()
        await ready(client, 503)
        began = time.monotonic()
    assert time.monotonic() - began < 6
    line.heal()


async def test_it_stops_in_time_while_the_broker_does_not_confirm_and_the_message_stays(mongo_uri: str) -> None:
    sender = Recorder()
    sender.confirms.clear()
    async with running_app(make_app(mongo_uri, sender, stop_seconds=0.3)) as client:
        await ready(client)
        await client.post("/books/Emma")
        await eventually(lambda: sender.in_flight)
        began = time.monotonic()
    assert 0.25 < time.monotonic() - began < 2
    sender.confirms.set()
    async with running_app(make_app(mongo_uri, sender)) as client:
        await ready(client)
        await eventually(lambda: sender.sent == ["Emma"])


@pytest.mark.parametrize("plugins", [[], [ODMPlugin]])
async def test_a_missing_plugin_is_one_error_that_says_where_to_list_it(mongo_uri: str, plugins: list[Any]) -> None:
    sections = {"odm": {"uri": mongo_uri}} if plugins else {}
    app = build([*(make() for make in plugins), OutboxPlugin(sender_of)], {**sections, "outbox": {}})
    missing = "RecorderPlugin" if plugins else "ODMPlugin"
    with pytest.raises(PluginStartError, match=f"list {missing} in the builder's plugins before OutboxPlugin"):
        async with running_app(app):
            pass


async def test_a_server_without_transactions_makes_it_unready_unless_messages_are_embedded() -> None:
    with Standalone() as server:
        uri = server.uri_for("standalone")
        app = make_app(uri, Recorder())
        async with running_app(app):
            await eventually(lambda: "EmbeddingRepository" in str(component(app).status.reason))
            assert component(app).status.readiness is ReadinessStatusEnum.NOT_READY
        sender = Recorder()
        app = make_app(uri, sender, embedded_in=[BookDocument])
        async with running_app(app) as client:
            await ready(client)
            database = app.get_asgi_app().state.odm_database
            await EmbeddingBooks(database).insert(Book(title="Emma"), events=[event("Emma")])
            await eventually(lambda: sender.sent == ["Emma"])


async def test_a_database_that_is_killed_and_comes_back_loses_no_message(private_mongo_server: Server) -> None:
    sender = Recorder()
    saved: list[str] = []
    async with running_app(make_app(private_mongo_server.uri_for("killed"), sender)) as client:
        await ready(client)
        for round_ in range(2):
            for number in range(5):
                title = f"{round_}.{number}"
                if (await client.post(f"/books/{title}")).status_code == 200:
                    saved.append(title)
            await asyncio.to_thread(private_mongo_server.kill)
            assert (await client.post("/books/lost")).status_code == 503
            await ready(client, 503)
            await asyncio.to_thread(private_mongo_server.start)
            await ready(client)
        await eventually(lambda: set(saved) <= set(sender.sent))
    assert len(saved) == 10
    assert set(sender.sent) == set(saved)


async def test_a_database_that_hangs_in_the_middle_of_a_transaction_saves_both_or_neither(
    private_mongo_server: Server,
) -> None:
    sender = Recorder()
    app = make_app(private_mongo_server.uri_for("frozen"), sender)
    async with running_app(app) as client:
        await ready(client)
        database = app.get_asgi_app().state.odm_database
        outbox = depends_outbox.of(app.get_asgi_app())

        async def work() -> None:
            async with outbox.transaction() as tx:
                await Books(database).insert(Book(title="Emma"), session=tx.session)
                await tx.publish(event("Emma"))
                await asyncio.to_thread(private_mongo_server.freeze)

        with pytest.raises(BackendUnavailableError):
            await work()
        await ready(client, 503)
        await asyncio.to_thread(private_mongo_server.thaw)
        await ready(client)
        assert (await client.post("/books/Anna")).status_code == 200
        await eventually(lambda: "Anna" in sender.sent)
        saved = await Books(database).titles()
        await eventually(lambda: sorted(sender.sent) == sorted(saved))
