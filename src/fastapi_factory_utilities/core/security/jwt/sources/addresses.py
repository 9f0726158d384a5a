"""Which URLs keys may come from."""

from typing import Final
from urllib.parse import urlsplit

__all__ = ["is_fetchable", "is_issuer_url"]

_PORTS: Final = range(1, 65536)


def is_fetchable(url: str, *, allow_http: bool) -> bool:
    """Whether a URL is an absolute one of https (or http, if allowed), without credentials, spaces and fragment."""
    if any(character.isspace() or not character.isprintable() for character in url):
        return False
    try:
        parts = urlsplit(url)
        port_is_good = parts.port is None or parts.port in _PORTS
    except ValueError:
        return False
    schemes = ("https", "http") if allow_http else ("https",)
    return bool(parts.scheme in schemes and parts.hostname and port_is_good and "@" not in parts.netloc) and (
        "#" not in url
    )


def is_issuer_url(issuer: str, *, allow_http: bool) -> bool:
    """Whether an issuer can be asked for its discovery document (OpenID Connect Discovery 1.0, section 3)."""
    return is_fetchable(issuer, allow_http=allow_http) and "?" not in issuer
