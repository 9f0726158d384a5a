"""`JWTPayload`: what a verified token says."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

__all__ = ["JWTPayload"]


def _words(value: object) -> object:
    """Read a list, or a text with spaces between its words (RFC 8693, 4.2)."""
    return value.split() if isinstance(value, str) else value


def _one_or_more(value: object) -> object:
    """Read `aud`, which is a text where there is one (RFC 7519, 4.1.3); older issuers put spaces between several."""
    return value.split() if isinstance(value, str) else value


def _time(value: object) -> object:
    """Read a NumericDate (RFC 7519, section 2): seconds since 1970, in UTC."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    return value


type Time = Annotated[datetime, BeforeValidator(_time)]


class JWTPayload(BaseModel):
    """The claims of a verified token.

    Extend it with fields for the claims that your service needs::

        class CustomerToken(JWTPayload):
            tenant: str

    Claims without a field are kept, in `model_extra`.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    sub: str = Field(min_length=1, description="Whom the token is about.")
    iss: str = Field(description="Who issued it.")
    aud: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)] = Field(description="Whom it is for.")
    exp: Time = Field(description="When it ends.")
    iat: Time | None = Field(default=None, description="When it was issued.")
    nbf: Time | None = Field(default=None, description="When it begins.")
    scp: Annotated[tuple[str, ...], BeforeValidator(_words)] = Field(
        default=(), description="What it allows: the claim `scp`, and `scope` (RFC 9068, 2.2.3) where there is none."
    )

    @model_validator(mode="before")
    @classmethod
    def _scope_is_scp(cls, claims: Any) -> Any:  # noqa: ANN401 - whatever is validated
        if isinstance(claims, Mapping) and "scope" in claims and "scp" not in claims:
            return {**claims, "scp": claims["scope"]}
        return claims
