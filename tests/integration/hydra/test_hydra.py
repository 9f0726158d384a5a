"""Our services and Ory's own client, each against a fake that both believe."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import pytest
from pydantic import AliasPath, Field, SecretStr
from structlog.testing import capture_logs

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource, HttpServiceDependencyConfig
from fastapi_factory_utilities.core.redaction import redact
from fastapi_factory_utilities.core.security.jwt import Introspector
from fastapi_factory_utilities.core.services.hydra import (
    HydraClientRefusedError,
    HydraIntrospectGenericService,
    HydraOperationError,
    HydraService,
    HydraTokenIntrospection,
    HydraUnavailableError,
)
from fastapi_factory_utilities.testing.ory import FakeHydra

ory: Any = import_module("ory_hydra_client")  # it exports hardly anything in a way that mypy believes

PATIENCE: dict[str, Any] = {
    "timeout": {"total_seconds": 2, "attempt_seconds": 1},
    "retry": {"attempts": 1},
    "breaker": {"enabled": False},
}
SECRET = "a secret: with %, + and \u00fc"
PERSON = "ada@example.org"


class Introspection(HydraTokenIntrospection):
    """What a service's own consent adds."""

    tenant: str = Field(default="", validation_alias=AliasPath("ext", "tenant"))


@pytest.fixture
def hydra() -> Iterator[FakeHydra]:
    with FakeHydra() as running:
        running.add_client("shop", SECRET, scopes=["stock:read", "stock:write"], audiences=["stock"])
        yield running


@asynccontextmanager
async def resources(hydra: FakeHydra) -> AsyncIterator[tuple[AioHttpClientResource, AioHttpClientResource]]:
    public = HttpServiceDependencyConfig(url=hydra.public_url, **PATIENCE)
    admin = HttpServiceDependencyConfig(url=hydra.admin_url, **PATIENCE)
    async with (
        AioHttpClientResource("hydra_public", public) as one,
        AioHttpClientResource("hydra_admin", admin) as other,
    ):
        yield one, other


@asynccontextmanager
async def service_of(hydra: FakeHydra, **options: Any) -> AsyncIterator[HydraService]:
    async with resources(hydra) as (public, admin):
        yield HydraService(public, admin, client_id="shop", client_secret=SecretStr(SECRET), **options)


@pytest.fixture
async def service(hydra: FakeHydra) -> AsyncIterator[HydraService]:
    async with service_of(hydra) as opened:
        yield opened


async def test_a_good_token_is_active_and_says_what_ory_s_own_client_reads(
    hydra: FakeHydra, service: HydraService
) -> None:
    token = hydra.issue(sub=PERSON, scope="books:read books:write", aud=["library"], ext={"tenant": "north"})
    ours = await service.introspect(token)
    api = ory.OAuth2Api(ory.ApiClient(ory.Configuration(host=hydra.admin_url)))
    theirs = await asyncio.to_thread(api.introspect_o_auth2_token, token)
    assert isinstance(theirs, ory.IntrospectedOAuth2Token)
    assert (ours.active, ours.sub, ours.client_id, list(ours.aud), ours.ext) == (
        theirs.active,
        theirs.sub,
        theirs.client_id,
        theirs.aud,
        theirs.ext,
    )
    assert ours.scope == tuple(theirs.scope.split())
    assert ours.exp is not None
    assert ours.exp.timestamp() == theirs.exp
    asked, told = hydra.requests
    assert (asked.method, asked.path, asked.door) == (told.method, told.path, told.door)
    assert PERSON not in repr(ours) + str(ours)


@pytest.mark.parametrize("token", ["garbage", "", "x" * 20_000, "a\nb", "\u00e9", "\ud800"])
async def test_a_token_that_is_not_good_is_a_result_and_no_error(service: HydraService, token: str) -> None:
    found = await service.introspect(token)
    assert (found.active, found.sub, found.scope) == (False, None, ())


async def test_scopes_that_are_wanted_are_asked_for(hydra: FakeHydra, service: HydraService) -> None:
    token = hydra.issue(scope="books:read")
    assert (await service.introspect(token, scope="books:read")).active
    assert not (await service.introspect(SecretStr(token), scope="books:write")).active


async def test_it_is_what_verifies_opaque_tokens(service: HydraService) -> None:
    introspector: Introspector = service
    assert not (await introspector.introspect("x")).active


async def test_a_model_of_ones_own_is_what_comes_back(hydra: FakeHydra) -> None:
    class Mine(HydraIntrospectGenericService[Introspection]): ...

    token = hydra.issue(ext={"tenant": "north"})
    async with resources(hydra) as (_, admin):
        assert (await Mine(admin).introspect(token)).tenant == "north"
        assert not (await Mine(admin).introspect("another")).active
        assert (await HydraIntrospectGenericService[Introspection](admin).introspect(token)).tenant == "north"


async def test_a_model_that_cannot_say_inactive_is_refused_by_name(hydra: FakeHydra) -> None:
    class Needy(HydraTokenIntrospection):
        tenant: str

    async with resources(hydra) as (_, admin):
        with pytest.raises(TypeError, match="Needy: give tenant a default"):
            await HydraIntrospectGenericService[Needy](admin).introspect(hydra.issue())


@pytest.mark.parametrize("moment", [1e20, -1e300, 10**400], ids=["far", "long ago", "huge"])
async def test_a_time_that_no_clock_can_show_is_one_of_our_errors(
    hydra: FakeHydra, service: HydraService, moment: float
) -> None:
    hydra.answer(200, {"active": True, "exp": moment})
    with pytest.raises(HydraUnavailableError, match=r"see exp"):
        await service.introspect("token")


async def test_what_is_remembered_is_asked_once_and_never_beyond_the_tokens_end(hydra: FakeHydra) -> None:
    async with service_of(hydra, introspection_cache_seconds=60) as service:
        token, short = hydra.issue(scope="a"), hydra.issue(lifespan_seconds=1)
        assert [(await service.introspect(token)).active for _ in range(3)] == [True] * 3
        assert not (await service.introspect(token, scope="b")).active, "another question"
        assert len(hydra.requests) == 2
        hydra.revoke(token)
        assert (await service.introspect(token)).active, "remembered for a minute, as was asked for"
        await service.introspect(short)
        deadline = time.monotonic() + 5
        while (await service.introspect(short)).active:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        assert token not in repr(vars(service))


async def test_a_token_of_our_own_is_fetched_once_for_all_who_ask_and_kept(
    hydra: FakeHydra, service: HydraService
) -> None:
    tokens = await asyncio.gather(*(service.get_access_token(["stock:read"], ["stock"]) for _ in range(50)))
    assert len({token.get_secret_value() for token in tokens}) == 1
    (asked,) = hydra.requests
    assert (asked.path, asked.status) == ("/oauth2/token", 200)
    found = await service.introspect(tokens[0])
    assert (found.active, found.scope, found.aud) == (True, ("stock:read",), ("stock",))
    assert await service.get_access_token(["stock:write"]) != tokens[0]
    assert tokens[0].get_secret_value() not in redact(f"Bearer {tokens[0].get_secret_value()}")
    service.forget()
    assert await service.get_access_token(["stock:read"], ["stock"]) != tokens[0]


async def test_all_who_wait_for_a_hydra_that_is_away_are_told_by_one_question(
    hydra: FakeHydra, service: HydraService
) -> None:
    hydra.answer(503, path="/oauth2/token")
    told = await asyncio.gather(*(service.get_access_token() for _ in range(20)), return_exceptions=True)
    assert {type(error) for error in told} == {HydraUnavailableError}
    assert len(hydra.requests) == 1
    hydra.heal()
    await service.get_access_token()


async def test_tokens_that_ended_long_ago_are_not_looked_for_in_logs_for_ever(service: HydraService) -> None:
    texts = []
    for _ in range(4):
        texts.append((await service.get_access_token()).get_secret_value())
        service.forget()
    masked = [text not in redact(f"it is {text}") for text in texts]
    assert masked == [False, False, True, True], "the last one, and the one that calls under way may carry"


async def test_ory_s_own_client_gets_such_a_token_from_the_fake(hydra: FakeHydra) -> None:
    configuration = ory.Configuration(host=hydra.public_url, username="shop", password="plain")
    hydra.add_client("shop", "plain", scopes=["stock:read"])
    api = ory.OAuth2Api(ory.ApiClient(configuration))
    found = await asyncio.to_thread(api.oauth2_token_exchange, grant_type="client_credentials")
    assert isinstance(found, ory.OAuth2TokenExchange)
    assert found.expires_in == 3600


async def test_a_token_is_renewed_before_it_ends_and_the_old_one_serves_while_hydra_is_away(hydra: FakeHydra) -> None:
    hydra.add_client("shop", SECRET, lifespan_seconds=2)
    async with service_of(hydra) as service:
        first = await service.get_access_token()
        hydra.answer(503, path="/oauth2/token")
        deadline = time.monotonic() + 10
        with capture_logs() as lines:
            while not lines:
                assert await service.get_access_token() == first
                assert time.monotonic() < deadline
                await asyncio.sleep(0.02)
        assert lines[0]["event"] == "token not renewed"
        assert first.get_secret_value() not in str(lines)
        refused: HydraOperationError | None = None
        while refused is None:
            try:
                assert await service.get_access_token() == first
            except HydraUnavailableError as error:
                refused = error
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        hydra.heal()
        assert await service.get_access_token() != first


@pytest.mark.parametrize(
    ("secret", "scopes", "audiences", "error_id"),
    [
        ("wrong", [], [], "invalid_client"),
        (SECRET, ["admin"], [], "invalid_scope"),
        (SECRET, [], ["elsewhere"], "invalid_request"),
    ],
)
async def test_a_client_that_hydra_does_not_take_is_told_so_without_secrets(
    hydra: FakeHydra, secret: str, scopes: list[str], audiences: list[str], error_id: str
) -> None:
    async with resources(hydra) as (public, admin):
        service = HydraService(public, admin, client_id="shop", client_secret=SecretStr(secret))
        with pytest.raises(HydraClientRefusedError, match=error_id) as caught:
            await service.get_access_token(scopes, audiences)
    assert caught.value.fields["error_id"] == error_id
    assert secret not in str(caught.value) + repr(caught.value.fields)


async def test_the_keys_are_what_ory_s_own_client_reads(hydra: FakeHydra, service: HydraService) -> None:
    hydra.keys = [{"kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "alg": "ES256", "x": "AA", "y": "AA"}]
    api = ory.WellknownApi(ory.ApiClient(ory.Configuration(host=hydra.public_url)))
    theirs = await asyncio.to_thread(api.discover_json_web_keys)
    assert await service.get_jwks() == {"keys": hydra.keys}
    assert [key.kid for key in theirs.keys] == ["k1"]


@pytest.mark.parametrize("fault", ["garbage", "500", "503", "429", "hang", "gone", "empty"])
async def test_whatever_hydra_does_it_is_one_of_our_errors(hydra: FakeHydra, service: HydraService, fault: str) -> None:
    match fault:
        case "garbage":
            hydra.garbage()
        case "hang":
            hydra.hang()
        case "gone":
            hydra.close()
        case "empty":
            hydra.answer(200, {})
        case _:
            hydra.answer(int(fault), {"error": f"about {PERSON}", "error_description": PERSON})
    for call in (service.introspect("token"), service.get_access_token(), service.get_jwks()):
        with pytest.raises(HydraUnavailableError) as caught:
            await call
        assert isinstance(caught.value, BackendUnavailableError)
        assert PERSON not in str(caught.value) + str(caught.value.fields)


@pytest.mark.parametrize("status", [302, 404, 405])
async def test_another_api_is_told_as_one(hydra: FakeHydra, service: HydraService, status: int) -> None:
    hydra.answer(status, headers={"Location": "https://attacker.test"})
    with pytest.raises(HydraOperationError, match="right API"):
        await service.introspect("token")
