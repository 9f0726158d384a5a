"""`JWTBearerAuthenticationConfig`: which tokens are accepted."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from fastapi_factory_utilities.core.frozen import FrozenModel
from fastapi_factory_utilities.core.rules import broken_rule
from fastapi_factory_utilities.core.security.jwt.algorithms import ASYMMETRIC, SYMMETRIC

__all__ = ["JWTBearerAuthenticationConfig"]


def _unique(value: object) -> object:
    """Read a list, or a text with commas, without blanks around the items and without items that are there twice."""
    items: object = value.split(",") if isinstance(value, str) else value
    if isinstance(items, Iterable) and not isinstance(items, bytes | Mapping):
        trimmed = [item.strip() if isinstance(item, str) else item for item in items]
        if all(isinstance(item, str) for item in trimmed):
            return tuple(dict.fromkeys(item for item in trimmed if item != ""))
    return value


type Names = Annotated[tuple[str, ...], BeforeValidator(_unique)]


class JWTBearerAuthenticationConfig(FrozenModel):
    """What a token must be like. Whatever is not allowed here is refused."""

    audience: str | None = Field(
        default=None, min_length=1, description="This service, as the claim `aud` of its tokens names it."
    )
    authorized_audiences: Names = Field(
        default=(), description="Further names in `aud` that are accepted; a list, or a text with commas."
    )
    authorized_issuers: Names = Field(
        default=(), description="Whose tokens are accepted, exactly as `iss` has them; a list, or a text with commas."
    )
    authorized_algorithms: Names = Field(
        default=("RS256", "ES256", "EdDSA"), description="The signature algorithms that are accepted."
    )
    allow_symmetric: bool = Field(
        default=False, description="Whether HS256, HS384 and HS512 may be authorized: who can verify these can sign."
    )
    token_types: Names = Field(
        default=(),
        description="The values of the header `typ` that are accepted, such as `at+jwt` for access tokens (RFC 9068); "
        "none accepts every one, and tokens without it.",
    )
    required_claims: Names = Field(default=(), description="Claims that must be there besides exp, iss, aud and sub.")
    leeway_seconds: float = Field(
        default=10.0, ge=0, le=300, description="By how much the clocks of issuer and service may differ."
    )
    max_token_bytes: int = Field(
        default=8192, ge=256, le=65_536, description="The longest token that is looked at at all."
    )
    cache_size: int = Field(
        default=0, ge=0, le=1_000_000, description="How many verified tokens are remembered; 0 verifies each time."
    )
    cache_seconds: float = Field(
        default=60.0,
        gt=0,
        le=3600,
        description="How long a verified token is remembered, and never beyond its end; so long a key that its issuer "
        "withdraws may go on.",
    )

    @property
    def audiences(self) -> frozenset[str]:
        """All names in `aud` that are accepted."""
        own = () if self.audience is None else (self.audience,)
        return frozenset((*own, *self.authorized_audiences))

    @model_validator(mode="after")
    def _somebody_is_trusted(self) -> Self:
        if not self.audiences:
            raise broken_rule("audience or authorized_audiences must name this service: a token for others is no proof")
        if not self.authorized_issuers:
            raise broken_rule("authorized_issuers must name who is trusted")
        if not self.authorized_algorithms:
            raise broken_rule("authorized_algorithms must name at least one")
        return self

    @model_validator(mode="after")
    def _algorithms_are_known(self) -> Self:
        asked = frozenset(self.authorized_algorithms)
        if not asked <= ASYMMETRIC | SYMMETRIC:
            known = ", ".join(sorted(ASYMMETRIC | SYMMETRIC))
            raise broken_rule(f"authorized_algorithms has one that is not known; known are {known}")
        if asked & SYMMETRIC and not self.allow_symmetric:
            raise broken_rule("authorized_algorithms has HS256, HS384 or HS512, which need allow_symmetric")
        if asked & SYMMETRIC and asked & ASYMMETRIC:
            raise broken_rule("authorized_algorithms must be symmetric or asymmetric, never both (RFC 8725, 2.1)")
        return self
