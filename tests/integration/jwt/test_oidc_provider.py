"""Tokens of a certified OpenID provider, while it rotates its keys, restarts, and is away.

`JWT_ROTATIONS` is how many times keys are rotated under load, 31 s apart; by default once.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
import pytest
from fastapi import Depends

from fastapi_factory_utilities.core.plugins.jwt_plugin import JWTPlugin, depends_jwt_authentication_service
from fastapi_factory_utilities.core.security.jwt import JWTBearer, JWTPayload
from fastapi_factory_utilities.testing import running_app
from fastapi_factory_utilities.testing.conformance.stage import build
from tests.integration.jwt.provider_server import OidcProvider

ROTATIONS = int(os.environ.get("JWT_ROTATIONS", "1"))
ALGORITHMS = ["RS256", "ES256", "EdDSA"]
A_SECOND = 200  # requests

customer = JWTBearer(depends_jwt_authentication_service["customers"])


@asynccontextmanager
async def shop(provider: OidcProvider) -> AsyncIterator[httpx.AsyncClient]:
    """Run an application that trusts the provider, by its defaults but for the plain HTTP."""
    entry = {"issuer": provider.uri, "allow_http": True, "audience": "books", "token_types": ["at+jwt"]}
    app = build([JWTPlugin()], {"jwt": {"issuers": {"customers": entry}}})

    @app.get_asgi_app().get("/books")
    async def books(who: Annotated[JWTPayload, Depends(customer)]) -> list[str]:
        return [*who.scp]

    async with running_app(app) as client:
        yield client


async def status(client: httpx.AsyncClient, token: str) -> int:
    return (await client.get("/books", headers={"Authorization": f"Bearer {token}"})).status_code


async def issued(provider: OidcProvider) -> list[str]:
    """Have a token issued by each algorithm."""
    return list(await asyncio.gather(*(asyncio.to_thread(provider.token, alg) for alg in ALGORITHMS)))


async def test_its_tokens_are_taken_and_those_of_withdrawn_keys_are_not(oidc_provider: OidcProvider) -> None:
    async with shop(oidc_provider) as client:
        before = await issued(oidc_provider)
        assert [await status(client, token) for token in before] == [200, 200, 200]
        await asyncio.to_thread(oidc_provider.rotate)
        after = await issued(oidc_provider)
        assert [await status(client, token) for token in after + before] == [200] * 6
        forged = [old[: old.rindex(".")] + new[new.rindex(".") :] for old, new in zip(before, after, strict=True)]
        assert [await status(client, token) for token in forged] == [401, 401, 401]
    await asyncio.to_thread(oidc_provider.withdraw)
    async with shop(oidc_provider) as client:
        assert [await status(client, token) for token in before + after] == [401] * 3 + [200] * 3


@pytest.mark.timeout(60 + 40 * ROTATIONS)
async def test_rotation_under_load_refuses_no_valid_token_nor_does_an_outage(oidc_provider: OidcProvider) -> None:
    tokens = await issued(oidc_provider)
    statuses: list[int] = []

    async def load(client: httpx.AsyncClient) -> None:
        """Send 200 requests a second, each with one of the latest tokens."""
        loop = asyncio.get_running_loop()
        begun, sent = loop.time(), 0

        async def send() -> None:
            latest = tokens[-6:]
            statuses.append(await status(client, latest[len(statuses) % len(latest)]))

        async with asyncio.TaskGroup() as requests:
            while not over.is_set():
                due = int((loop.time() - begun) * A_SECOND)
                for _ in range(due - sent):
                    requests.create_task(send())
                sent = due
                await asyncio.sleep(1 / A_SECOND)

    async def issue(times: int) -> None:
        for number in range(times):
            tokens.append(await asyncio.to_thread(oidc_provider.token, ALGORITHMS[number % 3]))
            await asyncio.sleep(0.05)

    over = asyncio.Event()
    async with shop(oidc_provider) as client, asyncio.TaskGroup() as tasks:
        loading = tasks.create_task(load(client))
        await issue(4)
        for rotation in range(ROTATIONS):
            await asyncio.sleep(31 if rotation else 0)
            before = oidc_provider.asked("/jwks")
            await asyncio.to_thread(oidc_provider.rotate)
            await issue(9)
            assert await asyncio.to_thread(oidc_provider.asked, "/jwks") == before + 1
        await asyncio.to_thread(oidc_provider.kill)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(oidc_provider.start)
        await issue(3)
        over.set()
        await loading
    assert Counter(statuses) == {200: len(statuses)}
    assert len(statuses) > A_SECOND
