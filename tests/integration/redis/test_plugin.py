"""RedisPlugin against a real server: what every plugin does, and what is its own."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.plugins.inbox import Claim
from fastapi_factory_utilities.core.plugins.redis_plugin import (
    Client,
    RedisPlugin,
    depends_redis_client,
    depends_redis_inbox,
    redis_errors,
)
from fastapi_factory_utilities.testing import FaultProxy, Server
from fastapi_factory_utilities.testing.conformance import ConnectionPluginConformance
from fastapi_factory_utilities.testing.conformance.plugin import PLANTED
from fastapi_factory_utilities.testing.running import running_app


class TestConformance(ConnectionPluginConformance):
    def make_plugin(self) -> RedisPlugin:
        return RedisPlugin()

    def make_config(self, uri: str) -> Mapping[str, Any]:
        return {"url": uri}

    def make_bad_configs(self) -> list[Mapping[str, Any]]:
        url = "redis://127.0.0.1:1"
        return [
            {},
            {"url": PLANTED},
            {"url": f"http://user:{PLANTED}@host"},
            {"url": f"redis://user:{PLANTED}@"},
            {"url": f"redis://user:{PLANTED}/@host"},
            {"url": f"redis://user:{PLANTED}#@host"},
            {"url": f"redis://host/{PLANTED}"},
            {"url": f"redis://host?{PLANTED}=1"},
            {"url": f"redis://host?db={PLANTED}"},
            {"url": f"unix://user:{PLANTED}@"},
            {"sentinels": [PLANTED], "sentinel_service": "main"},
            {"sentinels": ["host:26379"]},
            {"url": url, "sentinel_service": PLANTED},
            {"url": f"unix://user:{PLANTED}@/socket", "sentinels": ["host:26379"], "sentinel_service": "main"},
            {"url": url, "operation_timeout_ms": 0},
            {"url": url, "max_connections": PLANTED},
        ]

    @pytest.fixture
    def backend_uri(self, redis_server: Server) -> str:
        return redis_server.uri

    async def use(self, plugin: RedisPlugin, client: Redis) -> None:
        await client.set("conformance", "1", px=1000)


class Config(RootConfig):
    """The application's configuration; the section `redis` comes with the plugin."""


class App(ApplicationAbstract[Config]):
    PACKAGE_NAME = "tests"

    def configure(self) -> None:
        app = self.get_asgi_app()

        @app.get("/visits")
        async def visits(redis: Client) -> int:
            with redis_errors("count a visit"):
                return int(await redis.incr("visits"))


def make_app(uri: str, **redis: Any) -> App:
    application = {
        "service_namespace": "tests",
        "service_name": "bücher",
        "description": "",
        "version": "1",
        "environment": "production",
    }
    sections = {"application": application, "redis": {"url": uri, **redis}}
    return ApplicationGenericBuilder(application_class=App, plugins=[RedisPlugin()]).add_config(sections).build()


async def ready(client: httpx.AsyncClient, status: int = 200, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while (answer := await client.get("/api/v1/sys/readiness")).status_code != status:
        assert time.monotonic() < deadline, answer.text
        await asyncio.sleep(0.02)


async def test_routes_get_the_client_of_the_database_that_the_url_names(redis_uri: str) -> None:
    app = make_app(redis_uri)
    async with running_app(app) as client:
        await ready(client)
        assert [(await client.get("/visits")).json() for _ in range(2)] == [1, 2]
        redis = depends_redis_client.of(app.get_asgi_app())
        assert await redis.get("visits") == b"2"
        names = {connection["name"] for connection in await redis.client_list()}
        assert "b_cher" in names, "the server lists us by the service's name"
    async with Redis.from_url(redis_uri) as other:
        assert await other.get("visits") == b"2"


async def test_it_provides_an_inbox_whose_keys_are_the_services_own(redis_uri: str) -> None:
    app = make_app(redis_uri, inbox_retention_seconds=5)
    async with running_app(app) as client, Redis.from_url(redis_uri) as other:
        await ready(client)
        inbox = depends_redis_inbox.of(app.get_asgi_app())
        assert await inbox.claim("a") is Claim.NEW
        await inbox.done("a")
        assert await inbox.claim("a") is Claim.DONE
        assert 0 < await other.pttl("tests:bücher:inbox:a") <= 5000


async def test_without_a_server_requests_are_503_within_their_deadline(
    redis_uri: str, fault_proxy: Callable[[str], FaultProxy]
) -> None:
    line = fault_proxy(redis_uri)
    async with running_app(make_app(line.uri, operation_timeout_ms=300)) as client:
        await ready(client)
        for fault in (line.refuse, line.freeze):
            fault()
            began = time.monotonic()
            answer = await client.get("/visits")
            assert time.monotonic() - began < 2.5
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert "127.0.0.1" not in answer.text
            line.heal()
            await ready(client)
            assert (await client.get("/visits")).status_code == 200


async def test_a_restarted_server_costs_no_request_more_than_those_under_way(private_redis_server: Server) -> None:
    async with running_app(make_app(private_redis_server.uri)) as client:
        await ready(client)
        assert (await client.get("/visits")).json() == 1
        await asyncio.to_thread(private_redis_server.restart)
        assert (await client.get("/visits")).json() == 2, "an idle connection that broke is replaced"


async def test_more_callers_than_connections_wait_their_turn(redis_uri: str) -> None:
    app = make_app(redis_uri, max_connections=2)
    async with running_app(app) as client:
        await ready(client)
        redis = depends_redis_client.of(app.get_asgi_app())
        assert sorted(await asyncio.gather(*(redis.incr("n") for _ in range(50)))) == list(range(1, 51))


async def test_a_command_is_never_sent_twice(redis_uri: str, fault_proxy: Callable[[str], FaultProxy]) -> None:
    line = fault_proxy(redis_uri)
    app = make_app(line.uri, operation_timeout_ms=300)
    async with running_app(app) as client, Redis.from_url(redis_uri) as other:
        await ready(client)
        line.freeze()
        assert (await client.get("/visits")).status_code == 503
        line.heal()
        await ready(client)
        assert int(await other.get("visits") or 0) <= 1
