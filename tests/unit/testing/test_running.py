"""An application runs inside a test as it would under a server."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder
from fastapi_factory_utilities.core.logs import reset_logging
from fastapi_factory_utilities.core.plugins import MissingExtraError, PluginAbstract, PluginStartError
from fastapi_factory_utilities.testing import no_leaks, running_app


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    yield
    reset_logging()


class Hello(ApplicationAbstract):
    def configure(self) -> None:
        @self.get_asgi_app().get("/hello")
        async def hello() -> dict[str, str]:
            return {"hello": "world"}

        @self.get_asgi_app().get("/broken")
        async def broken() -> None:
            raise KeyError("broken")


def build(*plugins: PluginAbstract) -> Hello:
    names = ("service_namespace", "service_name", "description", "version")
    application = {**dict.fromkeys(names, "hello"), "environment": "production"}
    return (
        ApplicationGenericBuilder(plugins=plugins, application_class=Hello)
        .add_config({"application": application})
        .build()
    )


class Recorder(PluginAbstract):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    async def on_startup(self) -> None:
        self.seen.append("started")

    async def on_shutdown(self) -> None:
        self.seen.append("stopped")


async def test_the_application_has_started_inside_the_block_and_stopped_after_it() -> None:
    recorder = Recorder()
    async with no_leaks():
        async with running_app(build(recorder)) as client:
            assert recorder.seen == ["started"]
            assert (await client.get("/hello")).json() == {"hello": "world"}
            assert (await client.get("/api/v1/sys/readiness")).status_code == 200
        assert recorder.seen == ["started", "stopped"]


async def test_an_error_that_nobody_handles_is_an_answer_as_over_the_network() -> None:
    async with running_app(build()) as client:
        answer = await client.get("/broken")
    assert answer.status_code == 500
    assert "KeyError" not in answer.text


async def test_so_it_is_with_an_application_that_raises_errors_through() -> None:
    async def broken(request: Request) -> Response:
        raise KeyError("broken")

    async with running_app(Starlette(routes=[Route("/broken", broken)])) as client:
        assert (await client.get("/broken")).status_code == 500


async def test_a_start_that_fails_is_raised() -> None:
    class Fails(PluginAbstract):
        async def on_startup(self) -> None:
            raise ValueError("no")

    async with no_leaks():
        with pytest.raises(PluginStartError, match="Fails failed to start"):
            async with running_app(build(Fails())):
                pytest.fail("it must not run")


async def test_a_stop_that_fails_is_raised() -> None:
    class Fails(PluginAbstract):
        async def on_shutdown(self) -> None:
            raise ValueError("no")

    with pytest.raises(ExceptionGroup, match="Fails failed to stop"):
        async with running_app(build(Fails())):
            pass


async def test_the_error_of_the_test_is_the_news_and_the_application_is_ended() -> None:
    async with no_leaks():
        with pytest.raises(KeyError, match="mine"):
            async with running_app(build()):
                raise KeyError("mine")


async def test_any_asgi_application_runs() -> None:
    seen = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        seen.append("started")
        yield
        await asyncio.sleep(0)
        seen.append("stopped")

    async with running_app(Starlette(lifespan=lifespan)):
        assert seen == ["started"]
    assert seen == ["started", "stopped"]


async def test_without_httpx_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtraError, match="pip install httpx"):
        async with running_app(build()):
            pytest.fail("it must not run")
