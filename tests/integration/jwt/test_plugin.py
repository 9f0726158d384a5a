"""The plugin in an application: the contract of every plugin, tokens on routes, health, configuration."""

import asyncio
import json
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest
import trustme
from fastapi import Depends
from joserfc import jwt
from joserfc.jwk import ECKey

from fastapi_factory_utilities.core.app import ApplicationAbstract
from fastapi_factory_utilities.core.plugins.jwt_plugin import (
    JWTPlugin,
    JWTPluginConfigurationError,
    depends_jwk_store,
    depends_jwt_authentication_service,
)
from fastapi_factory_utilities.core.security.jwt import (
    JWKStoreRemote,
    JWTBearer,
    JWTPayload,
    KeySourceConfig,
    TokenHeader,
)
from fastapi_factory_utilities.core.security.jwt.sources import KeySource
from fastapi_factory_utilities.core.services.status import HealthStatusEnum, ReadinessStatusEnum
from fastapi_factory_utilities.testing import running_app
from fastapi_factory_utilities.testing.conformance import PluginConformance
from fastapi_factory_utilities.testing.conformance.plugin import PLANTED
from fastapi_factory_utilities.testing.conformance.stage import build
from tests.integration.jwt.conftest import Provider, new_key, serving

COMPONENT = "external_service:jwt.customers"
AWAY = {"issuer": "http://127.0.0.1:9", "allow_http": True, "audience": "books"}


class Customer(JWTPayload):
    tenant: str


def token(key: ECKey, issuer: str, **claims: object) -> str:
    """Sign a token as an issuer would."""
    said = {"iss": issuer, "aud": "books", "sub": "jane", "exp": int(time.time()) + 60, "tenant": "north", **claims}
    return jwt.encode({"alg": "ES256", "kid": key.kid}, said, key)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def application(*issuers: Mapping[str, Any], plugin: JWTPlugin | None = None) -> ApplicationAbstract[Any]:
    """Build an application that trusts `customers`, and further issuers, and says who asks."""
    names = ("customers", "staff")
    app = build([plugin or JWTPlugin()], {"jwt": {"issuers": dict(zip(names, issuers, strict=False))}})
    for name in names[: len(issuers)]:
        who = JWTBearer(depends_jwt_authentication_service[name])

        async def say(payload: Annotated[JWTPayload, Depends(who)]) -> dict[str, Any]:
            return payload.model_dump(mode="json", include={"sub", "tenant"})

        app.get_asgi_app().get(f"/{name}")(say)
    return app


def trusted(provider: Provider, **entry: Any) -> dict[str, Any]:
    return {"issuer": provider.issuer, "allow_http": True, "audience": "books", **entry}


class TestJWTPlugin(PluginConformance):
    """With a provider that nobody answers for: it must not matter."""

    def make_plugin(self) -> JWTPlugin:
        return JWTPlugin()

    def make_config(self, uri: str) -> Mapping[str, Any]:
        return {"issuers": {"customers": AWAY}}

    def make_bad_configs(self) -> list[Mapping[str, Any]]:
        wrong: list[Mapping[str, Any]] = [
            {**AWAY, "issuer": PLANTED},
            {**AWAY, "issuer": ["https://a", PLANTED]},
            {**AWAY, "issuer": f"http://user:{PLANTED}@host"},
            {**AWAY, "jwks_url": f"ftp://{PLANTED}"},
            {**AWAY, "authorized_algorithms": ["none", PLANTED]},
            {**AWAY, "authorized_issuers": [AWAY["issuer"], PLANTED]},
            {**AWAY, "audience": ""},
            {**AWAY, "authorized_audiences": [[PLANTED]]},
            {**AWAY, "authorized_audiences": {PLANTED: 1}},
            {**AWAY, "allow_http": PLANTED},
            {"issuer": AWAY["issuer"], "allow_http": True},
            {"audience": PLANTED},
        ]
        same = {"issuers": {"customers": AWAY, "staff": AWAY}}
        return [{}, {"issuers": {}}, {"issuers": PLANTED}, same, *({"issuers": {"customers": one}} for one in wrong)]


async def test_a_route_takes_its_issuers_tokens_and_nobody_elses(provider: Provider) -> None:
    """Two issuers that chose the same `kid`: each key is good for its own tokens only, on its own routes only."""
    ours, theirs = provider.keys[0], new_key("first")
    provider.answers("/staff-keys", json.dumps({"keys": [theirs.as_dict(private=False)]}))
    staff = {"issuer": "staff", "jwks_url": f"{provider.issuer}/staff-keys", "allow_http": True, "audience": "books"}
    async with running_app(application(trusted(provider), staff)) as client:
        good = await client.get("/customers", headers=bearer(token(ours, provider.issuer)))
        also = await client.get("/staff", headers=bearer(token(theirs, "staff")))
        refused = [
            await client.get("/customers", headers=bearer(token(theirs, provider.issuer))),
            await client.get("/staff", headers=bearer(token(ours, "staff"))),
            await client.get("/customers", headers=bearer(token(theirs, "staff"))),
            await client.get("/staff", headers=bearer(token(ours, provider.issuer))),
            await client.get("/staff", headers=bearer(token(new_key("other"), "staff"))),
            await client.get("/staff"),
        ]
    assert (good.status_code, good.json()) == (200, {"sub": "jane", "tenant": "north"})
    assert also.status_code == 200
    assert {answer.status_code for answer in refused} == {401}


async def test_while_the_provider_was_never_reached_requests_are_told_to_come_back(provider: Provider) -> None:
    app = application(trusted(provider, timeout_seconds=0.1))
    components = app.get_status_service().components
    provider.answers("/.well-known/openid-configuration", status=500)
    async with running_app(app) as client:
        answer = await client.get("/customers", headers=bearer(token(provider.keys[0], provider.issuer)))
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        assert provider.issuer not in answer.text
        status = components[COMPONENT].status
        assert (status.health, status.readiness) == (HealthStatusEnum.UNHEALTHY, ReadinessStatusEnum.NOT_READY)
        assert (status.reason or "").startswith("starting: ")
        assert status.next_try_at is not None
        assert app.get_status_service().status.readiness is ReadinessStatusEnum.READY
        provider.instead.clear()
        async with asyncio.timeout(5):
            while components[COMPONENT].status.health is not HealthStatusEnum.HEALTHY:
                await asyncio.sleep(0.01)
        answer = await client.get("/customers", headers=bearer(token(provider.keys[0], provider.issuer)))
        assert answer.status_code == 200


async def test_health_says_when_keys_are_those_from_before(provider: Provider) -> None:
    app = application(trusted(provider, refresh_seconds=1, timeout_seconds=0.2))
    components = app.get_status_service().components
    async with running_app(app) as client:
        await client.get("/customers", headers=bearer(token(provider.keys[0], provider.issuer)))
        provider.answers("/keys", status=500)
        async with asyncio.timeout(5):
            while components[COMPONENT].status.health is not HealthStatusEnum.DEGRADED:
                await asyncio.sleep(0.01)
        status = components[COMPONENT].status
        assert status.reason == f"the keys from before are used: {provider.issuer}/keys answers with status 500"
        assert status.readiness is ReadinessStatusEnum.READY
        answer = await client.get("/customers", headers=bearer(token(provider.keys[0], provider.issuer)))
        assert answer.status_code == 200
    assert COMPONENT not in components


async def test_an_issuer_has_a_payload_of_its_own_and_a_place_of_its_own(provider: Provider) -> None:
    plugin = JWTPlugin(payload_classes={"customers": Customer}, token_places={"customers": TokenHeader("X-Token")})
    app = application(trusted(provider), plugin=plugin)
    async with running_app(app) as client:
        service = depends_jwt_authentication_service["customers"].of(app.get_asgi_app())
        assert isinstance(await service.verify(token(provider.keys[0], provider.issuer)), Customer)
        good = await client.get("/customers", headers={"X-Token": token(provider.keys[0], provider.issuer)})
        without = await client.get(
            "/customers", headers={"X-Token": token(provider.keys[0], provider.issuer, tenant=7)}
        )
        key = await depends_jwk_store.of(app.get_asgi_app()).find_key(provider.issuer, "first", "ES256")
    assert (good.status_code, without.status_code) == (200, 401)
    assert key is not None


async def test_over_https_the_provider_is_who_it_says_or_has_no_keys(tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    async with serving(context) as provider:
        entry = trusted(provider, allow_http=False)
        good = bearer(token(provider.keys[0], provider.issuer))
        async with running_app(application({**entry, "ssl_ca_path": str(tmp_path / "ca.pem")})) as client:
            assert (await client.get("/customers", headers=good)).status_code == 200
        config = KeySourceConfig(issuer=provider.issuer, ssl_ca_path=tmp_path / "ca.pem")
        async with JWKStoreRemote.following(config) as store:
            assert await store.find_key(provider.issuer, "first", "ES256") is not None
            assert await store.find_key("https://other.example", "first", "ES256") is None
        app = application({**entry, "timeout_seconds": 0.5})
        async with running_app(app) as client:
            assert (await client.get("/customers", headers=good)).status_code == 503
            assert "TLS failed" in (app.get_status_service().components[COMPONENT].status.reason or "")


def test_a_store_has_each_issuer_once() -> None:
    config = KeySourceConfig(issuer="https://login.example")
    with pytest.raises(ValueError, match="same issuer"):
        JWKStoreRemote([KeySource(config), KeySource(config)])


def test_a_name_that_is_no_issuer_stops_the_build() -> None:
    with pytest.raises(JWTPluginConfigurationError, match=r"'staff'.*configured are: customers"):
        application(AWAY, plugin=JWTPlugin(payload_classes={"staff": Customer}))


def test_a_file_without_certificates_stops_the_build(tmp_path: Path) -> None:
    authorities = tmp_path / "authorities.pem"
    authorities.write_text("hunter2")
    with pytest.raises(JWTPluginConfigurationError, match=r"issuers\.customers.*ssl_ca_path") as told:
        application({**AWAY, "ssl_ca_path": str(authorities)})
    assert "hunter2" not in str(told.value)
