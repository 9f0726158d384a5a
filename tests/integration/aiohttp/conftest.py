"""A service on loopback that answers as it is told, and clients of it."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource, HttpServiceDependencyConfig
from fastapi_factory_utilities.testing import no_leaks

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Service:
    """A service: what it was asked, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[web.Request] = []
        self.answer: Handler = self.echo
        self.url = ""

    async def echo(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"method": request.method, "path": request.path_qs, "body": await request.text()})

    def answers(self, *statuses: int, body: bytes = b"") -> None:
        """Answer with these statuses in turn, with the last of them for good."""
        left = list(statuses)

        async def answer(_: web.Request) -> web.StreamResponse:
            status = left.pop(0) if len(left) > 1 else left[0]
            return web.Response(status=status, body=body)

        self.answer = answer

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        return await self.answer(request)


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None, *, port: int = 0) -> AsyncIterator[Service]:
    """Run a service."""
    service = Service()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls)
    await site.start()
    service.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield service
    finally:
        await runner.cleanup()


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with serving() as running:
        yield running


Client = Callable[..., AbstractAsyncContextManager[AioHttpClientResource]]


@pytest.fixture
def client(service: Service) -> Client:
    """Make a client of the service: `async with client(retry={...}) as resource`."""

    @asynccontextmanager
    async def make(url: str = "", **entry: Any) -> AsyncIterator[AioHttpClientResource]:
        entry = {"url": url or service.url, "retry": {"backoff_seconds": 0.001}, **entry}
        config = HttpServiceDependencyConfig.model_validate(entry)
        async with no_leaks(), AioHttpClientResource("books", config) as resource:
            yield resource

    return make
