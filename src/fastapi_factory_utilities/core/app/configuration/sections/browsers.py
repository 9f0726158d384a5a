"""What browsers may do with the service and its answers: the sections `csrf` and `security_headers`."""

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from fastapi_factory_utilities.core.api.browser_headers import DEFAULT_POLICY
from fastapi_factory_utilities.core.app.configuration.sections.cors import Origin
from fastapi_factory_utilities.core.app.configuration.sections.rules import Section
from fastapi_factory_utilities.core.rules import broken_rule

__all__ = ["CsrfConfig", "SecurityHeadersConfig"]

# RFC 9110, 5.6.2 and 5.5; in ASCII, as everybody reads them alike.
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_NOT_FIXED: Final = {"connection", "content-length", "content-type", "date", "set-cookie", "transfer-encoding"}


def _is_one_origin(origin: str) -> str:
    if origin in ("*", "null"):
        raise broken_rule("must be an origin such as https://app.example: not everybody can be trusted")
    return origin


def _is_header_value(value: str) -> str:
    if not _VALUE.fullmatch(value):
        raise broken_rule("must be the value of a header: printable ASCII, on one line")
    return value


def _is_header_name(name: str) -> str:
    if not _NAME.fullmatch(name) or name.lower() in _NOT_FIXED:
        raise broken_rule("must be the name of a header that is the same for every answer")
    return name


HeaderValue = Annotated[str, AfterValidator(_is_header_value)]


class CsrfConfig(Section):
    """The section `csrf`: who may ask for changes with the cookies of a user."""

    enabled: bool = Field(
        default=True, description="Whether changes that pages of other sites ask for are refused, with 403."
    )
    trusted_origins: tuple[Annotated[Origin, AfterValidator(_is_one_origin)], ...] = Field(
        default=(), description="The origins whose pages may do as those of the service, such as https://app.example."
    )


class SecurityHeadersConfig(Section):
    """The section `security_headers`: what answers tell browsers."""

    enabled: bool = Field(
        default=True, description="Whether answers have X-Content-Type-Options: nosniff and the headers below."
    )
    content_security_policy: HeaderValue | None = Field(
        default=DEFAULT_POLICY, description="What a browser may do with an answer that says nothing itself."
    )
    strict_transport_security: HeaderValue | None = Field(
        default="max-age=31536000", description="How long browsers use https alone; sent over https only."
    )
    headers: Mapping[Annotated[str, AfterValidator(_is_header_name)], HeaderValue] = Field(
        default_factory=dict, description="Further headers of every answer, such as Referrer-Policy: no-referrer."
    )
