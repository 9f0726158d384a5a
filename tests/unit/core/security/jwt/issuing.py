"""An issuer for tests: it signs whatever it is told to, however wrong that is."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import cache
from typing import Any

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from fastapi_factory_utilities.core.security.jwt import (
    JWKStoreMemory,
    JWTAuthenticationService,
    JWTBearerAuthenticationConfig,
    JWTPayload,
)

ISSUER = "https://issuer.test"
AUDIENCE = "library"
ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "ES512", "Ed25519")
_REGISTRY = JWSRegistry(algorithms=[*ALGORITHMS, "RS384", "RS512", "HS256", "HS384", "HS512", "none"])


@cache
def key_for(algorithm: str, number: int = 0) -> Key:
    """Make a private key; `number` tells several of one kind apart."""
    del number
    if algorithm.startswith(("RS", "PS")):
        return RSAKey.generate_key(2048)
    if algorithm.startswith("ES"):
        return ECKey.generate_key({"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[algorithm])
    return OKPKey.generate_key("Ed25519")


def public(key: Key, kid: str | None = "k1", **members: Any) -> dict[str, Any]:
    """Return what the issuer publishes of a key."""
    told = {**key.as_dict(private=False), **members}
    told.pop("kid", None)
    return told if kid is None else {**told, "kid": kid}


def encoded(octets: bytes | str | Mapping[str, Any]) -> str:
    """Encode a part of a token."""
    if isinstance(octets, Mapping):
        octets = json.dumps(octets)
    if isinstance(octets, str):
        octets = octets.encode()
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def claims(**changes: Any) -> dict[str, Any]:
    """Return good claims, but for the changes; `None` leaves one out."""
    now = int(time.time())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "iat": now, "exp": now + 600, "scope": "books:read"}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(
    header: Mapping[str, Any] | str,
    payload: Mapping[str, Any] | str | bytes,
    key: Any,
    algorithm: str | None = None,
) -> str:
    """Sign anything, with the header's algorithm or another one."""
    signing = f"{encoded(header)}.{encoded(payload)}"
    name = algorithm or (header["alg"] if isinstance(header, Mapping) else "RS256")
    return f"{signing}.{encoded(_REGISTRY.get_alg(name).sign(signing.encode(), key))}"


def token(algorithm: str = "RS256", **changes: Any) -> str:
    """Return a good token, but for the changes in its claims."""
    return signed({"alg": algorithm, "kid": "k1"}, claims(**changes), key_for(algorithm))


def config(**changes: Any) -> JWTBearerAuthenticationConfig:
    """Return what a service of this issuer has."""
    given = {"audience": AUDIENCE, "authorized_issuers": ISSUER, "authorized_algorithms": ALGORITHMS, **changes}
    return JWTBearerAuthenticationConfig.model_validate(given)


def service(keys: list[dict[str, Any]] | None = None, **changes: Any) -> JWTAuthenticationService[JWTPayload]:
    """Return a service that knows one key of each kind, or the given ones."""
    if keys is None:
        keys = [public(key_for(name), None if name != "RS256" else "k1") for name in ("RS256", "ES256", "Ed25519")]
    return JWTAuthenticationService(config(**changes), JWKStoreMemory({ISSUER: keys}))
