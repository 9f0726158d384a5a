"""A provider of keys on loopback that answers as it is told, and the certified one."""

import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from joserfc.jwk import ECKey

from tests.integration.jwt.provider_server import OidcProvider

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Provider:
    """An issuer: its keys, what it was asked, and what it answers instead when it is told to."""

    def __init__(self) -> None:
        self.issuer = ""
        self.keys: list[ECKey] = [new_key("first")]
        self.asked: list[str] = []
        self.headers: dict[str, str] = {}
        self.instead: dict[str, Handler] = {}

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    @property
    def metadata(self) -> dict[str, Any]:
        return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path in self.instead:
            return await self.instead[request.path](request)
        document = self.jwks if request.path == "/keys" else self.metadata
        return web.Response(text=json.dumps(document), headers=self.headers)

    def answers(self, path: str, text: str = "", status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Answer with this instead."""

        async def answer(_: web.Request) -> web.StreamResponse:
            return web.Response(text=text, status=status, headers=headers)

        self.instead[path] = answer

    def fetches(self, path: str = "/keys") -> int:
        """How many times a path was asked for."""
        return self.asked.count(path)


def new_key(kid: str) -> ECKey:
    """Make a key that signs by ES256."""
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Provider]:
    """Run a provider."""
    provider = Provider()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", provider.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    provider.issuer = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with serving() as running:
        yield running


@pytest.fixture(scope="session")
def oidc_provider() -> Iterator[OidcProvider]:
    """The certified provider; tests rotate its keys, and leave it running."""
    with OidcProvider() as server:
        yield server
