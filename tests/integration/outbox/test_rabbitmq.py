"""From one service to another through a real broker: saved, published, heard of once."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi_factory_utilities.core.plugins.odm_plugin import depends_odm_database
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox import depends_outbox
from fastapi_factory_utilities.testing import Server
from fastapi_factory_utilities.testing.running import running_app
from tests.contracts.library import Books
from tests.integration.outbox.post import Database, eventually_so
from tests.integration.outbox.shop import App, add, make_shop
from tests.integration.outbox.test_killed import ROOT


@asynccontextmanager
async def shop(mongo_uri: str, rabbitmq_uri: str, *, listening: bool) -> AsyncIterator[App]:
    app = make_shop(mongo_uri, rabbitmq_uri, listening=listening)
    async with running_app(app):
        async with asyncio.timeout(20):
            while app.get_status_service().status.readiness != "ready":
                await asyncio.sleep(0.02)
        yield app


async def heard(database: Database) -> list[str]:
    return sorted([found["title"] async for found in database["heard"].find()])


async def test_what_a_service_saves_another_one_hears_of(mongo_uri: str, rabbitmq_uri: str, database: Database) -> None:
    async with shop(mongo_uri, rabbitmq_uri, listening=True) as app:
        asgi = app.get_asgi_app()
        books, outbox = Books(depends_odm_database.of(asgi)), depends_outbox.of(asgi)
        for number in range(10):
            await add(books, outbox, f"book {number}")
        await eventually_so(lambda: _has_heard(database, 10))
    assert await heard(database) == [f"book {number}" for number in range(10)]


async def test_a_service_that_is_killed_under_load_has_published_what_it_saved_and_each_has_one_effect(
    mongo_uri: str, rabbitmq_uri: str, database: Database
) -> None:
    books = Books(database)
    command = [sys.executable, "-m", "tests.integration.outbox.shop", mongo_uri, rabbitmq_uri]
    for _ in range(2):
        before = await database["outbox"].count_documents({"state": "sent"})
        service = await asyncio.to_thread(subprocess.Popen, command, cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            await eventually_so(lambda before=before: _has_sent(database, before + 25), seconds=40)  # type: ignore[misc]  # a default binds it
        finally:
            service.kill()
            await asyncio.to_thread(service.wait)
    async with shop(mongo_uri, rabbitmq_uri, listening=True):
        await eventually_so(lambda: _is_empty(database), seconds=30)
        await eventually_so(lambda: _has_heard_of_all(database, books), seconds=30)
        await asyncio.sleep(0.3)  # for one too many, which there must not be
    # Asked for at the end: the server may get to the last commit of a process after that process is gone.
    saved = sorted(await books.titles())
    assert len(saved) >= 50
    assert await heard(database) == saved


async def test_a_broker_that_is_killed_under_load_gets_everything_when_it_is_back(
    mongo_uri: str, private_rabbitmq_server: Server, database: Database
) -> None:
    async with shop(mongo_uri, private_rabbitmq_server.uri, listening=True) as app:
        asgi = app.get_asgi_app()
        books, outbox = Books(depends_odm_database.of(asgi)), depends_outbox.of(asgi)
        for number in range(60):
            await add(books, outbox, f"book {number}")
            if number == 20:
                await eventually_so(lambda: _has_heard(database, 1))
                await asyncio.to_thread(private_rabbitmq_server.kill)
        await asyncio.to_thread(private_rabbitmq_server.start)
        await eventually_so(lambda: _has_heard(database, 60), seconds=20)
        await eventually_so(lambda: _is_empty(database))
    assert await heard(database) == sorted(f"book {number}" for number in range(60))


async def _has_heard(database: Database, count: int) -> bool:
    return len(await heard(database)) >= count


async def _has_heard_of_all(database: Database, books: Books) -> bool:
    return len(await heard(database)) >= await books.count()


async def _has_sent(database: Database, count: int) -> bool:
    return await database["outbox"].count_documents({"state": "sent"}) >= count


async def _is_empty(database: Database) -> bool:
    return not await database["outbox"].count_documents({"state": "pending"})
