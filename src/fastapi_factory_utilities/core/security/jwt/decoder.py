"""`JWTBearerTokenDecoder`: from a token in text to its verified claims."""

import warnings
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError

from fastapi_factory_utilities.core.security.jwt import required  # noqa: F401 - says how to install the rest

# isort: split
from joserfc.errors import SecurityWarning
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry

from fastapi_factory_utilities.core.security.jwt.claims import ClaimRules
from fastapi_factory_utilities.core.security.jwt.config import JWTBearerAuthenticationConfig
from fastapi_factory_utilities.core.security.jwt.errors import InvalidJWTError, NotVerifiedJWTError
from fastapi_factory_utilities.core.security.jwt.headers import Headers
from fastapi_factory_utilities.core.security.jwt.parsing import object_of, octets_of, segments_of
from fastapi_factory_utilities.core.security.jwt.payload import JWTPayload
from fastapi_factory_utilities.core.security.jwt.remembering import VerifiedTokens
from fastapi_factory_utilities.core.security.jwt.stores import JWKStoreAbstract

__all__ = ["JWTBearerTokenDecoder"]


class JWTBearerTokenDecoder[PayloadT: JWTPayload]:
    """Verifies tokens. Whatever is wrong with one, it raises one of our errors and nothing else.

    Args:
        config: Which tokens are accepted.
        store: The keys.
        payload_class: What the claims become.
    """

    def __init__(
        self, config: JWTBearerAuthenticationConfig, store: JWKStoreAbstract, payload_class: type[PayloadT]
    ) -> None:
        self._max_bytes = config.max_token_bytes
        self._store = store
        self._payload_class = payload_class
        self._headers = Headers(config)
        self._rules = ClaimRules(config)
        self._verifiers = _verifiers(config.authorized_algorithms)
        self._verified: VerifiedTokens[PayloadT] | None = None
        if config.cache_size:
            self._verified = VerifiedTokens(config.cache_size, config.cache_seconds)

    async def decode(self, token: str) -> PayloadT:
        """Verify a token and return what it says.

        Raises:
            InvalidJWTError: It is malformed, of a kind that is refused, or its claims are not for us, or not for now.
            NotVerifiedJWTError: Its signature is not that of a key which its issuer is known to have.
            BackendUnavailableError: The issuer's keys are not known now.
        """
        known = self.remembered(token)
        if known is not None:
            return known
        payload, ends = await self._decode(token)
        if self._verified is not None:
            self._verified.add(token, payload, ends)
        return payload

    def remembered(self, token: str) -> PayloadT | None:
        """Return what a token said that was verified a moment ago, if the configuration wants that."""
        return None if self._verified is None else self._verified.get(token)

    async def _decode(self, token: str) -> tuple[PayloadT, float]:
        first, second, third = segments_of(token, self._max_bytes)
        header = self._headers.read(first)
        claims = object_of(octets_of(second))
        signature = octets_of(third)
        # The issuer chooses the keys before anything is proven, and only among those that are authorized.
        issuer = self._rules.issuer_of(claims)
        key = await self._store.find_key(issuer, header.kid, header.algorithm)
        if key is None:
            raise NotVerifiedJWTError("the token's issuer has no such key", issuer=issuer)
        signed = token[: len(first) + 1 + len(second)].encode("ascii")
        if not self._is_signed(header.algorithm, signed, signature, key):
            raise NotVerifiedJWTError("the token's signature is wrong", issuer=issuer)
        self._headers.remember(first, header)
        ends = self._rules.check(claims)
        return self._payload(claims), ends

    def _is_signed(self, algorithm: str, signed: bytes, signature: bytes, key: Key) -> bool:
        try:
            return bool(self._verifiers[algorithm](signed, signature, key))
        except Exception:  # noqa: BLE001 - whatever a library makes of a hostile signature: it did not verify
            return False

    def _payload(self, claims: dict[str, Any]) -> PayloadT:
        try:
            return self._payload_class.model_validate(claims)
        except ValidationError as error:
            # Which fields, and nothing of their values.
            fields = sorted({".".join(map(str, each["loc"])) for each in error.errors(include_input=False)})
            raise InvalidJWTError("the token's claims are not what they should be", claims=fields) from None


def _verifiers(algorithms: Iterable[str]) -> dict[str, Callable[[bytes, bytes, Any], bool]]:
    names = list(algorithms)
    with warnings.catch_warnings():
        # RFC 9864 wants `Ed25519` instead of `EdDSA`, which is what issuers still write; the curve is the key's anyhow.
        warnings.simplefilter("ignore", SecurityWarning)
        registry = JWSRegistry(algorithms=names)
        return {name: registry.get_alg(name).verify for name in names}
