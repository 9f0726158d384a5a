"""The servers that `bench_jwt.py` compares; each function is an application factory for uvicorn."""

import time
from typing import Annotated, Any

from fastapi import Depends
from fastapi.responses import PlainTextResponse
from joserfc import jwt
from joserfc.jwk import Key, RSAKey
from starlette.types import ASGIApp

from benchmarks._subjects_request import Item, read_item
from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.security.jwt import (
    JWKStoreMemory,
    JWTAuthenticationService,
    JWTBearer,
    JWTBearerAuthenticationConfig,
    JWTPayload,
)

ISSUER = "https://issuer.test/"
AUDIENCE = "library"


def signed_token(key: Key, algorithm: str, **others: Any) -> str:  # noqa: ANN401 - claims are anything
    """Sign a token as an issuer does.

    Args:
        key: The issuer's.
        algorithm: What it signs with.
        others: Claims instead of the usual ones; `None` leaves one out.
    """
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "iat": now, "exp": now + 36_000, "jti": "1", "scope": "a b"}
    claims = {name: value for name, value in {**claims, **others}.items() if value is not None}
    return jwt.encode({"alg": algorithm, "kid": "k1", "typ": "at+jwt"}, claims, key, algorithms=[algorithm])


def service_of(key: Key, algorithm: str, **options: Any) -> JWTAuthenticationService[JWTPayload]:  # noqa: ANN401 - any
    """Return a service that knows one key."""
    config = JWTBearerAuthenticationConfig.model_validate(
        {"audience": AUDIENCE, "authorized_issuers": ISSUER, "authorized_algorithms": algorithm, **options}
    )
    published = {**key.as_dict(private=False), "kid": "k1"}
    return JWTAuthenticationService(config, JWKStoreMemory({ISSUER: [published]}))


def without() -> ASGIApp:
    """Our application, whose route wants no token."""
    return _application(None)


def with_token() -> ASGIApp:
    """The same, with a route that wants one."""
    return _application(0)


def with_cache() -> ASGIApp:
    """The same, with verified tokens remembered."""
    return _application(100)


def _application(cache_size: int | None) -> ASGIApp:
    key = RSAKey.generate_key(2048)
    bearer = JWTBearer(service_of(key, "RS256", cache_size=cache_size or 0))

    async def read_mine(item_id: int, who: Annotated[JWTPayload, Depends(bearer)]) -> Item:
        del who
        return await read_item(item_id)

    async def token() -> PlainTextResponse:
        return PlainTextResponse(signed_token(key, "RS256"))

    class App(ApplicationAbstract[RootConfig]):
        def configure(self) -> None:
            self.get_asgi_app().get("/items/{item_id}")(read_item if cache_size is None else read_mine)
            self.get_asgi_app().get("/token")(token)

    about = {"service_namespace": "bench", "service_name": "bench", "description": "", "version": "1"}
    configuration = {
        "application": {**about, "environment": "production"},
        "server": {"access_log": False},
        "docs": {"enabled": False},
    }
    return ApplicationGenericBuilder(application_class=App).add_config(configuration).build()
