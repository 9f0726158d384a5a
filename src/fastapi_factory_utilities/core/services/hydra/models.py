"""What Hydra says: its OpenAPI document, and RFC 7662 for introspection. Unknown members are kept."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

__all__ = ["HydraAccessToken", "HydraModel", "HydraTokenIntrospection"]


def _time(value: object) -> object:
    """Read seconds since 1970; Hydra writes 0 or leaves it out where there is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC) if value else None
        except (OverflowError, OSError) as error:
            raise ValueError("no moment that a clock can show") from error
    return value


def _words(value: object) -> object:
    if value is None:
        return ()
    return value.split() if isinstance(value, str) else value


type Time = Annotated[datetime | None, BeforeValidator(_time)]
type Words = Annotated[tuple[str, ...], BeforeValidator(_words)]


class HydraModel(BaseModel):
    """The base of what Hydra says. Its text has no personal data: fields that may be such are not shown."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    def __repr_args__(self) -> Any:  # noqa: ANN401 - pydantic's own
        """Show fields that say nothing about a person, and nothing unknown."""
        shown = ("active", "client_id", "token_use", "token_type", "exp", "expires_in")
        return [(name, getattr(self, name)) for name in type(self).model_fields if name in shown]

    def __str__(self) -> str:
        """Show the same."""
        return repr(self)


class HydraTokenIntrospection(HydraModel):
    """What Hydra says about a token (RFC 7662, 2.2). Extend it with fields for what your consent puts into `ext`.

    Such fields have defaults: nothing is said about a token that is not active.
    """

    active: bool = Field(description="Whether the token is good now; when it is not, nothing else is said.")
    sub: str | None = Field(default=None, description="Whom it is about.")
    client_id: str | None = Field(default=None, description="The client that it was given to.")
    scope: Words = Field(default=(), description="What it allows.")
    aud: Words = Field(default=(), description="Whom it is for.")
    iss: str | None = Field(default=None, description="Who issued it.")
    exp: Time = Field(default=None, description="When it ends.")
    iat: Time = Field(default=None, description="When it was issued.")
    nbf: Time = Field(default=None, description="When it begins.")
    token_type: str | None = Field(default=None, description="How it is used, `Bearer`.")
    token_use: str | None = Field(default=None, description="`access_token` or `refresh_token`.")
    username: str | None = Field(default=None, description="A name for people.")
    ext: dict[str, Any] = Field(default_factory=dict, description="What the consent added.")


class HydraAccessToken(HydraModel):
    """A token of our own (RFC 6749, 5.1)."""

    access_token: SecretStr = Field(min_length=1, description="The token.")
    token_type: str = Field(default="bearer", description="How it is used.")
    expires_in: float = Field(default=0, ge=0, description="For how many seconds; 0 is not said.")
    scope: Words = Field(default=(), description="What it allows, if that is not what was asked for.")
