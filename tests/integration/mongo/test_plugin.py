"""ODMPlugin against a real server: what every plugin does, and what is its own."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pymongo
import pytest
from pymongo import AsyncMongoClient

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.plugins.odm_plugin import (
    Client,
    Database,
    ODMPlugin,
    depends_odm_client,
    depends_odm_database,
)
from fastapi_factory_utilities.testing import FaultProxy, Server
from fastapi_factory_utilities.testing.conformance import ConnectionPluginConformance
from fastapi_factory_utilities.testing.conformance.plugin import PLANTED
from fastapi_factory_utilities.testing.running import running_app
from tests.contracts.library import SHELF, Book, BookDocument, Books


class TestConformance(ConnectionPluginConformance):
    def make_plugin(self) -> ODMPlugin:
        return ODMPlugin(document_models=[BookDocument])

    def make_config(self, uri: str) -> Mapping[str, Any]:
        return {"uri": uri, "database": "conformance"}

    def make_bad_configs(self) -> list[Mapping[str, Any]]:
        uri = "mongodb://127.0.0.1:1"
        return [
            {},
            {"uri": PLANTED},
            {"uri": f"http://user:{PLANTED}@host"},
            {"uri": f"mongodb://user:{PLANTED}@/"},
            {"uri": f"mongodb://user:{PLANTED}/@@host"},
            {"uri": f"mongodb://host/?{PLANTED}=1"},
            {"uri": uri, "database": f"{PLANTED}/x"},
            {"uri": uri, "connection_timeout_ms": PLANTED},
            {"uri": uri, "operation_timeout_ms": 0},
            {"uri": uri, "min_pool_size": 9, "max_pool_size": 3},
        ]

    @pytest.fixture
    def backend_uri(self, mongo_server: Server) -> str:
        return mongo_server.uri

    async def use(self, plugin: ODMPlugin, client: AsyncMongoClient[dict[str, Any]]) -> None:
        books = client["conformance"]["books"]
        await books.count_documents({})
        assert "title_1" in await books.index_information()


class Config(RootConfig):
    """The application's configuration; the section `odm` comes with the plugin."""


class App(ApplicationAbstract[Config]):
    PACKAGE_NAME = "tests"
    ODM_DOCUMENT_MODELS = (BookDocument,)

    def configure(self) -> None:
        app = self.get_asgi_app()

        @app.get("/books")
        async def titles(database: Database) -> list[str]:
            return await Books(database).titles(sort="title")

        @app.get("/server")
        async def server(client: Client) -> dict[str, object]:
            return {"databases": sorted(await client.list_database_names())}


def make_app(uri: str, **odm: Any) -> App:
    application = {
        "service_namespace": "tests",
        "service_name": "bücher",
        "description": "",
        "version": "1",
        "environment": "production",
    }
    sections = {"application": application, "odm": {"uri": uri, **odm}}
    return ApplicationGenericBuilder(application_class=App, plugins=[ODMPlugin()]).add_config(sections).build()


async def ready(client: httpx.AsyncClient, status: int = 200, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while (answer := await client.get("/api/v1/sys/readiness")).status_code != status:
        assert time.monotonic() < deadline, answer.text
        await asyncio.sleep(0.02)


async def test_routes_get_the_database_and_its_client(mongo_uri: str) -> None:
    app = make_app(mongo_uri)
    async with running_app(app) as client:
        await ready(client)
        database = depends_odm_database.of(app.get_asgi_app())
        assert f"/{database.name}" in mongo_uri, "the database that the URI names"
        await Books(database).insert_many(SHELF[:2])
        assert (await client.get("/books")).json() == ["Anna", "Bel"]
        assert database.name in (await client.get("/server")).json()["databases"]
        assert depends_odm_client.of(app.get_asgi_app()) is database.client


async def test_two_applications_keep_their_data_apart(mongo_server: Server) -> None:
    names = [f"apart_{uuid4().hex}" for _ in range(2)]
    first, second = (make_app(mongo_server.uri, database=name) for name in names)
    async with running_app(first) as one, running_app(second) as two:
        await ready(one)
        await ready(two)
        await Books(depends_odm_database.of(first.get_asgi_app())).insert(SHELF[0])
        await Books(depends_odm_database.of(second.get_asgi_app())).insert(SHELF[1])
        assert (await one.get("/books")).json() == ["Anna"]
        assert (await two.get("/books")).json() == ["Bel"]


async def test_without_a_server_documents_work_and_requests_are_503_within_their_deadline(
    mongo_uri: str, fault_proxy: Callable[[str], FaultProxy]
) -> None:
    line = fault_proxy(mongo_uri)
    line.refuse()
    async with running_app(make_app(line.uri, operation_timeout_ms=500)) as client:
        assert BookDocument(title="Emma").title == "Emma"
        assert str(BookDocument.title == "Emma") == "{'title': 'Emma'}"
        began = time.monotonic()
        answer = await client.get("/books")
        assert time.monotonic() - began < 2.5
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert "127.0.0.1" not in answer.text
        line.heal()
        await ready(client)
        assert (await client.get("/books")).json() == []


async def test_a_server_that_comes_back_empty_gets_its_indexes_again(private_mongo_server: Server) -> None:
    app = make_app(private_mongo_server.uri)
    async with running_app(app) as client:
        await ready(client)
        database = depends_odm_database.of(app.get_asgi_app())
        await asyncio.to_thread(private_mongo_server.kill)
        await ready(client, 503)
        await asyncio.to_thread(private_mongo_server.start)
        async with asyncio.timeout(10):
            while True:
                try:
                    await database.client.drop_database(database.name)
                    break
                except pymongo.errors.PyMongoError:
                    continue
        await asyncio.to_thread(private_mongo_server.kill)
        await ready(client, 503)
        await asyncio.to_thread(private_mongo_server.start)
        await ready(client)
        assert "title_1" in await database["books"].index_information()


async def test_an_index_that_cannot_be_made_is_the_components_reason(mongo_uri: str) -> None:
    async with AsyncMongoClient[dict[str, Any]](mongo_uri) as other:
        await other.get_default_database()["books"].insert_many([{"title": "Anna"}, {"title": "Anna"}])
        app = make_app(mongo_uri)
        async with running_app(app) as client, asyncio.timeout(10):
            status = app.get_status_service()
            while "same value" not in (status.components["database:MongoDB"].status.reason or ""):
                await asyncio.sleep(0.02)
            assert (await client.get("/api/v1/sys/readiness")).status_code == 503
            assert (await client.get("/books")).status_code in (200, 500), "it runs all the same"
            await other.get_default_database()["books"].drop()
            await ready(client)


async def test_the_driver_is_told_what_the_section_says(mongo_uri: str) -> None:
    app = make_app(
        f"{mongo_uri}&maxPoolSize=7&connectTimeoutMS=1234",
        operation_timeout_ms=1500,
        min_pool_size=2,
        connection_timeout_ms=2500,
    )
    async with running_app(app):
        options = depends_odm_client.of(app.get_asgi_app()).options
        assert options.timeout == 1.5
        assert options.pool_options.max_pool_size == 7, "the URI says so, the section does not"
        assert options.pool_options.min_pool_size == 2
        assert options.pool_options.connect_timeout == 2.5, "the section beats the URI"
        assert options.server_selection_timeout == 2.5
        assert options.pool_options.appname == "bücher"


async def test_the_driver_logs_no_document_at_the_level_debug(mongo_uri: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    app = make_app(mongo_uri)
    async with running_app(app) as client:
        await ready(client)
        await Books(depends_odm_database.of(app.get_asgi_app())).insert(Book(title="a private matter"))
    assert "a private matter" not in caplog.text
