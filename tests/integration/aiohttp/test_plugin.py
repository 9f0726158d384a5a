"""The plugin in an application: the contract of every plugin, injection, health, configuration."""

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import pytest
from fastapi import Depends

from fastapi_factory_utilities.core.app import ApplicationAbstract, ConfigBuilderError
from fastapi_factory_utilities.core.plugins import PluginAbstract
from fastapi_factory_utilities.core.plugins.aiohttp import (
    AioHttpClientConfigurationError,
    AioHttpClientNotProvidedError,
    AioHttpClientPlugin,
    AioHttpClientResource,
    AioHttpPlugin,
    AioHttpResourceDepends,
)
from fastapi_factory_utilities.core.plugins.aiohttp.mockers import (
    build_mocked_aiohttp_resource,
    build_mocked_aiohttp_response,
)
from fastapi_factory_utilities.core.services.status import HealthStatusEnum, ReadinessStatusEnum
from fastapi_factory_utilities.testing import running_app
from fastapi_factory_utilities.testing.conformance import PluginConformance
from fastapi_factory_utilities.testing.conformance.plugin import PLANTED
from fastapi_factory_utilities.testing.conformance.stage import build
from fastapi_factory_utilities.testing.running import lifespan
from tests.integration.aiohttp.conftest import Service

Books = Annotated[AioHttpClientResource, Depends(AioHttpResourceDepends("books"))]


def application(
    *plugins: PluginAbstract[Any], dependencies: Mapping[str, Any] | None = None, **entry: Any
) -> ApplicationAbstract[Any]:
    """Build an application that has a service `books`, and a route that calls it."""
    dependencies = {"http": {"books": entry}} if dependencies is None else dependencies
    app = build(plugins or [AioHttpPlugin()], {"dependencies": dependencies})

    @app.get_asgi_app().get("/book")
    async def book(books: Books) -> Any:
        async with books.acquire_client_session() as session, session.get("1") as response:
            return await response.json()

    return app


class TestAioHttpPlugin(PluginConformance):
    """With a service that nobody listens for: it must not matter."""

    def make_plugin(self) -> AioHttpPlugin:
        return AioHttpPlugin()

    def build(self, uri: str, *more: PluginAbstract[Any], log_level: str = "info") -> ApplicationAbstract[Any]:
        books = {"url": "http://127.0.0.1:9"}
        return build([self.make_plugin(), *more], {"dependencies": {"http": {"books": books}}}, log_level=log_level)

    def test_when_disabled_it_does_nothing(self) -> None:
        """The plugin has no section to be disabled in; without a service it needs no driver's module either."""
        code = (
            "import asyncio, sys\n"
            "from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpPlugin\n"
            "from fastapi_factory_utilities.testing.conformance.stage import build\n"
            "from fastapi_factory_utilities.testing.running import lifespan\n"
            "async def main():\n"
            "    async with lifespan(build([AioHttpPlugin()], {})):\n"
            "        assert 'aiohttp' not in sys.modules\n"
            "asyncio.run(main())\n"
        )
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

    def test_a_wrong_configuration_is_one_error_without_the_value(self, uri: str) -> None:
        """Entries that make no sense stop the build, and nothing quotes them."""
        good = {"url": "https://a"}
        for wrong in (
            {"url": PLANTED},
            {**good, "timeout": {"total_seconds": 1, "attempt_seconds": 2}},
            {**good, "breaker": {"window_seconds": 19.9}},
            {**good, "retry": {"attempts": 0}},
            {**good, "deadline_header": f"{PLANTED}:"},
        ):
            with pytest.raises(ConfigBuilderError, match="dependencies") as told:
                build([AioHttpPlugin()], {"dependencies": {"http": {"books": wrong}}})
            assert PLANTED not in str(told.value)

    async def check_running(self, application: ApplicationAbstract[Any]) -> None:
        await super().check_running(application)
        assert AioHttpResourceDepends("books").of(application.get_asgi_app()).key == "books"


async def test_a_route_gets_the_client_it_names(service: Service) -> None:
    async with running_app(application(url=f"{service.url}/books")) as caller:
        answer = await caller.get("/book")

    assert answer.json()["path"] == "/books/1"


async def test_the_callers_patience_is_taken_over(service: Service) -> None:
    async with running_app(application(url=service.url)) as caller:
        await caller.get("/book", headers={"X-Request-Timeout-Ms": "700"})
        await caller.get("/book", headers={"X-Request-Timeout-Ms": "soon"})
        too_late = await caller.get("/book", headers={"X-Request-Timeout-Ms": "0"})

    told = [int(request.headers["X-Request-Timeout-Ms"]) for request in service.asked]
    assert 500 < told[0] <= 700
    assert told[1:] == [10_000]
    assert too_late.status_code == 503


async def test_tests_replace_a_client_by_its_key(service: Service) -> None:
    app = application(url=service.url)
    mocked = build_mocked_aiohttp_resource(get=build_mocked_aiohttp_response(json={"title": "mocked"}))
    app.get_asgi_app().dependency_overrides[AioHttpResourceDepends("books")] = lambda: mocked

    async with running_app(app) as caller:
        assert (await caller.get("/book")).json() == {"title": "mocked"}

    assert not service.asked


async def test_all_that_is_configured_or_only_what_is_asked_for() -> None:
    dependencies = {"http": {"books": {"url": "http://a"}}, "kratos_public": {"url": "http://kratos"}}
    everything = application(AioHttpClientPlugin(), dependencies=dependencies)
    one = application(AioHttpPlugin(keys=["kratos_public"]), dependencies=dependencies)

    async with lifespan(everything), lifespan(one):
        assert AioHttpResourceDepends("kratos_public").of(everything.get_asgi_app()).base.host == "kratos"
        assert AioHttpResourceDepends("books").of(everything.get_asgi_app()).key == "books"
        AioHttpResourceDepends("kratos_public").of(one.get_asgi_app())
        with pytest.raises(AioHttpClientNotProvidedError, match=r"dependencies\.http\.books"):
            AioHttpResourceDepends("books").of(one.get_asgi_app())


def test_a_key_that_is_not_configured_stops_the_build() -> None:
    with pytest.raises(AioHttpClientConfigurationError, match=r"add dependencies\.http\.mail\.url; .* are: books"):
        application(AioHttpPlugin(keys=["mail"]), url="http://a")


async def test_a_failing_service_shows_in_health_and_recovers_after_one_probe(service: Service) -> None:
    service.answers(500)
    entry: dict[str, Any] = {"retry": {"attempts": 1}, "breaker": {"minimum_attempts": 3, "open_seconds": 0.2}}
    app = application(url=service.url, **entry)
    components = app.get_status_service().components
    async with running_app(app) as caller:
        resource = AioHttpResourceDepends("books").of(app.get_asgi_app())
        async with resource.acquire_client_session() as session:
            for _ in range(3):
                assert (await session.get("")).status == 500
        state = components["external_service:books"]
        assert state.status.health is HealthStatusEnum.DEGRADED
        assert state.status.next_try_at is not None
        assert app.get_status_service().status.readiness is ReadinessStatusEnum.READY

        refused = await caller.get("/book")
        assert refused.status_code == 503
        assert "Retry-After" in refused.headers
        assert len(service.asked) == 3

        await asyncio.sleep(0.25)
        service.answer = service.echo
        ends = await asyncio.gather(*(caller.get("/book") for _ in range(5)))
        assert [end.status_code for end in ends].count(200) == 1, "one probe, the others are refused meanwhile"
        assert len(service.asked) == 4
        assert components["external_service:books"].status.health is HealthStatusEnum.HEALTHY
        assert (await caller.get("/book")).status_code == 200


async def test_an_answer_that_nobody_reads_does_not_fail_the_stop(service: Service) -> None:
    service.answers(200, body=bytes(3_000_000))
    app = build(
        [AioHttpPlugin()],
        {
            "dependencies": {"http": {"books": {"url": service.url, "graceful_shutdown_timeout": 60}}},
            "server": {"drain_seconds": 0, "grace_seconds": 1},
        },
    )
    async with lifespan(app):
        resource = AioHttpResourceDepends("books").of(app.get_asgi_app())
        async with resource.acquire_client_session() as session:
            kept = await session.get("")
        assert resource.pipeline.in_flight.count == 1

    kept.close()
    assert resource.closed
