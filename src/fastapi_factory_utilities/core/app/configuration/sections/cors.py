"""Which browsers may use the service: the section `cors`."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from fastapi_factory_utilities.core.app.configuration.sections.rules import Section
from fastapi_factory_utilities.core.rules import broken_rule

__all__ = ["CorsConfig", "Origin"]

_ORIGIN = r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s@]+"  # RFC 6454: scheme, host, perhaps a port
_NOBODY = "https://nobody.invalid"  # RFC 2606: a host that nobody can have


def _is_origin(origin: str) -> str:
    if origin not in ("*", "null") and not re.fullmatch(_ORIGIN, origin):
        raise broken_rule("must be an origin such as https://app.example, without path or trailing slash, or *")
    return origin


Origin = Annotated[str, AfterValidator(_is_origin)]
"""An origin (RFC 6454), `*` or `null`."""


def _is_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        raise broken_rule("must be a regular expression") from None
    return pattern


class CorsConfig(Section):
    """The section `cors`; nothing is sent until there is an origin or a pattern."""

    allow_origins: tuple[Origin, ...] = Field(
        default=(), description="The origins whose scripts may use the service, such as https://app.example; * is all."
    )
    allow_origin_regex: Annotated[str, AfterValidator(_is_pattern)] | None = Field(
        default=None, description="A pattern that the whole origin must match; beside allow_origins."
    )
    allow_methods: tuple[str, ...] = Field(default=("GET",), description="The methods that are allowed; * is all.")
    allow_headers: tuple[str, ...] = Field(default=(), description="The request headers that are allowed; * is all.")
    allow_credentials: bool = Field(default=False, description="Whether cookies and authorization may be sent.")
    expose_headers: tuple[str, ...] = Field(default=(), description="The response headers that scripts may read.")
    max_age: int = Field(default=600, ge=0, description="Seconds for which browsers remember what is allowed.")

    @model_validator(mode="after")
    def _credentials_for_known_origins(self) -> Self:
        """Refuse to hand credentials to every site (Fetch standard, "CORS protocol and credentials")."""
        if self.allow_credentials:
            if "*" in self.allow_origins:
                raise broken_rule("allow_credentials cannot be used with the origin *: list the origins")
            if self.allow_origin_regex and re.fullmatch(self.allow_origin_regex, _NOBODY):
                raise broken_rule("allow_credentials cannot be used with an allow_origin_regex that matches any site")
        return self
