"""Whether the claims of a verified token are for this service, and for now (RFC 7519, 4.1)."""

import time
from collections.abc import Mapping
from typing import Any, Final

from fastapi_factory_utilities.core.security.jwt.config import JWTBearerAuthenticationConfig
from fastapi_factory_utilities.core.security.jwt.errors import InvalidJWTError

__all__ = ["ClaimRules"]

_YEAR_10000: Final = 253_402_300_800  # in seconds since 1970; a datetime cannot be later


class ClaimRules:
    """What a configuration asks of claims.

    Args:
        config: It.
    """

    __slots__ = ("_audiences", "_issuers", "_leeway", "_required")

    def __init__(self, config: JWTBearerAuthenticationConfig) -> None:
        self._audiences = config.audiences
        self._issuers = frozenset(config.authorized_issuers)
        self._leeway = config.leeway_seconds
        self._required = config.required_claims

    def issuer_of(self, claims: Mapping[str, Any]) -> str:
        """Return who says to have issued the token, before that is proven.

        Raises:
            InvalidJWTError: Nobody, or nobody who is authorized.
        """
        issuer = claims.get("iss")
        if type(issuer) is not str or issuer not in self._issuers:
            raise InvalidJWTError("the token's issuer is not authorized")
        return issuer

    def check(self, claims: Mapping[str, Any]) -> float:
        """Check everything but the issuer.

        Returns:
            When the token ends, in seconds since 1970, leeway included.

        Raises:
            InvalidJWTError: What is wrong.
        """
        now = time.time()
        ends = _seconds(claims, "exp")
        if ends is None:
            raise InvalidJWTError("the token has no exp")
        ends += self._leeway
        if now >= ends:
            raise InvalidJWTError("the token is expired")
        latest = now + self._leeway
        for name in ("nbf", "iat"):
            begins = _seconds(claims, name)
            if begins is not None and begins > latest:
                raise InvalidJWTError(f"the token's {name} is in the future")
        audience = claims.get("aud")
        named = [audience] if type(audience) is str else audience
        if type(named) is not list or not all(type(name) is str for name in named):
            raise InvalidJWTError("the token has no aud")
        if self._audiences.isdisjoint(named):
            raise InvalidJWTError("the token is for another audience")
        for name in self._required:
            if claims.get(name) is None:
                raise InvalidJWTError(f"the token has no {name}")
        return ends


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    if name not in claims:
        return None
    value = claims[name]
    # A bool is an int in Python, and no NumericDate; infinity and what is no number fail the comparison.
    if type(value) not in (int, float) or not 0 <= value < _YEAR_10000:
        raise InvalidJWTError(f"the token's {name} is no time")
    return value  # type: ignore[no-any-return]  # a number, as was just seen
