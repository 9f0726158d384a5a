"""Where one issuer's keys come from, and how patiently they are fetched."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from fastapi_factory_utilities.core.frozen import FrozenModel
from fastapi_factory_utilities.core.rules import broken_rule
from fastapi_factory_utilities.core.security.jwt.sources.addresses import is_fetchable, is_issuer_url

__all__ = ["KeySourceConfig"]


def _must_be_a_file(path: Path) -> Path:
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # a name that is too long, or has a null character
        is_file = False
    if not is_file:
        raise broken_rule("there is no such file; a relative path starts at the working directory")
    return path


class KeySourceConfig(FrozenModel):
    """Where the keys of one issuer are, and how they are kept."""

    issuer: str = Field(
        min_length=1,
        max_length=2048,
        description="Who issues the tokens, exactly as their claim `iss` has it; without `jwks_url` also where the "
        "discovery document is looked for.",
    )
    jwks_url: str | None = Field(
        default=None, description="Where the issuer's keys are; null asks its discovery document (OpenID Connect)."
    )
    allow_http: bool = Field(
        default=False, description="Whether keys may come over plain HTTP, where anybody on the way can replace them."
    )
    ssl_ca_path: Annotated[Path, AfterValidator(_must_be_a_file)] | None = Field(
        default=None, description="The authorities (PEM) that the provider's certificate is checked against."
    )
    refresh_seconds: float = Field(
        default=300.0,
        ge=1,
        le=86_400,
        description="Between two fetches, at most; sooner if the provider's Cache-Control says so.",
    )
    unknown_kid_seconds: float = Field(
        default=30.0,
        ge=1,
        description="Between two fetches that are made because tokens name a key that is not known.",
    )
    stale_seconds: float = Field(
        default=86_400.0,
        gt=0,
        description="For how long keys are used when they cannot be fetched again; then tokens cannot be verified.",
    )
    timeout_seconds: float = Field(
        default=5.0, gt=0, le=60, description="How long one fetch may take, and a request wait for it."
    )
    max_bytes: int = Field(
        default=65_536, ge=1024, le=4_194_304, description="The largest answer of the provider that is read."
    )

    @model_validator(mode="after")
    def _addresses_can_be_asked(self) -> Self:
        if self.jwks_url is not None:
            if not is_fetchable(self.jwks_url, allow_http=self.allow_http):
                raise broken_rule(
                    "jwks_url must be an https URL without credentials and fragment; allow_http allows http as well"
                )
        elif not is_issuer_url(self.issuer, allow_http=self.allow_http):
            raise broken_rule(
                "issuer must be an https URL without credentials, query and fragment, because its discovery document "
                "is looked for there: give jwks_url for another kind of issuer; allow_http allows http as well"
            )
        return self

    @model_validator(mode="after")
    def _stale_after_fresh(self) -> Self:
        if self.stale_seconds < self.refresh_seconds:
            raise broken_rule("stale_seconds must not be less than refresh_seconds: keys would be thrown away in use")
        return self
