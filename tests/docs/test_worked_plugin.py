"""The SQL plugin that `docs/writing-a-plugin.md` builds, as a service meets it: the page's own code, a real PostgreSQL.

The page's own tests, the conformance suite, run with the page.
"""

import asyncio
import importlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fastapi_factory_utilities.core.app import ApplicationAbstract
from fastapi_factory_utilities.testing import FaultProxy, Server
from fastapi_factory_utilities.testing.running import running_app
from tests.docs.newcomer import at_work
from tests.docs.pages import DOCS, Block, parse

_PAGE = DOCS / "writing-a-plugin.md"
_READINESS = "/api/v1/sys/readiness"

Build = Callable[[str], ApplicationAbstract[Any]]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    """Build the page's service for a database."""
    with at_work(tmp_path, _no_mongo, "") as newcomer:

        def write(block: Block) -> None:
            if block.path is not None and block.language == "python":
                newcomer.run(block)

        for example in parse(_PAGE, write).examples():
            example.evaluate()
        yield _build


def _no_mongo() -> Server:
    raise AssertionError("this page needs no MongoDB")


def _build(url: str) -> ApplicationAbstract[Any]:
    application = {"service_namespace": "docs", "service_name": "authors", "description": "", "version": "1"}
    config = {"application": {**application, "environment": "production"}, "sql": {"url": url, "timeout_seconds": 1.0}}
    built: ApplicationAbstract[Any] = importlib.import_module("my_service.app").AppBuilder().add_config(config).build()
    return built


@pytest.fixture
def proxy(postgres_server: Server) -> Iterator[FaultProxy]:
    with FaultProxy.for_uri(postgres_server.uri) as proxy:
        yield proxy


def _url(proxy: FaultProxy) -> str:
    return proxy.uri.replace("postgresql:", "postgresql+asyncpg:")


async def _until(client: httpx.AsyncClient, status: int, *, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while (await client.get(_READINESS)).status_code != status:
        assert time.monotonic() < deadline, f"readiness is not {status} after {seconds:g} s"
        await asyncio.sleep(0.02)


async def test_it_keeps_what_was_committed_in_postgresql(build: Build, proxy: FaultProxy) -> None:
    async with running_app(build(_url(proxy))) as client:
        await _until(client, 200)
        assert (await client.put("/authors/Ursula")).status_code == 204
    async with running_app(build(_url(proxy))) as client:
        await _until(client, 200)
        assert (await client.get("/authors")).json() == ["Ursula"]


async def test_it_works_on_sqlite(build: Build, tmp_path: Path) -> None:
    async with running_app(build(f"sqlite+aiosqlite:///{tmp_path}/authors.db")) as client:
        await _until(client, 200)
        assert (await client.put("/authors/Ursula")).status_code == 204
        assert (await client.get("/authors")).json() == ["Ursula"]


@pytest.mark.parametrize("fault", ["refuse", "reset", "freeze"])
async def test_a_request_without_its_database_is_a_503_problem_in_time(
    build: Build, proxy: FaultProxy, fault: str
) -> None:
    async with running_app(build(_url(proxy))) as client:
        await _until(client, 200)
        assert (await client.get("/authors")).status_code == 200
        getattr(proxy, fault)()
        async with asyncio.timeout(8):
            answer = await client.get("/authors")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert "retry-after" in answer.headers
        await _until(client, 503)
        proxy.heal()
        await _until(client, 200)
        assert (await client.get("/authors")).status_code == 200


async def test_it_starts_without_its_database_and_makes_the_tables_when_that_appears(
    build: Build, proxy: FaultProxy
) -> None:
    proxy.refuse()
    async with running_app(build(_url(proxy))) as client:
        assert (await client.get(_READINESS)).status_code == 503
        assert (await client.get("/authors")).status_code == 503
        proxy.heal()
        await _until(client, 200)
        assert (await client.get("/authors")).status_code == 200
