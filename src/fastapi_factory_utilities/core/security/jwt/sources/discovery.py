"""Where an issuer keeps its keys: a URL that is configured, or what its discovery document says."""

from collections.abc import Callable
from typing import Final

from fastapi_factory_utilities.core.security.jwt.sources.addresses import is_fetchable
from fastapi_factory_utilities.core.security.jwt.sources.documents import json_object
from fastapi_factory_utilities.core.security.jwt.sources.download import Downloads, place
from fastapi_factory_utilities.core.security.jwt.sources.errors import KeySourceError

__all__ = ["Discovery", "discovery_url"]

_WELL_KNOWN: Final = "/.well-known/openid-configuration"
# Addresses of keys hardly ever change; after a failed fetch they are asked for at once.
_KEPT_SECONDS: Final = 3600.0


def discovery_url(issuer: str) -> str:
    """Return where an issuer's discovery document is (OpenID Connect Discovery 1.0, section 4)."""
    return issuer.removesuffix("/") + _WELL_KNOWN


class Discovery:
    """Knows the URL of an issuer's keys, and keeps it for an hour.

    Args:
        issuer: The issuer, as its tokens name it.
        downloads: What downloads its document.
        allow_http: Whether keys may come over plain HTTP.
        clock: Seconds.
    """

    def __init__(self, issuer: str, downloads: Downloads, *, allow_http: bool, clock: Callable[[], float]) -> None:
        self._issuer = issuer
        self._downloads = downloads
        self._allow_http = allow_http
        self._clock = clock
        self._found: str | None = None
        self._found_until = 0.0

    async def jwks_url(self) -> str:
        """Return the URL of the issuer's keys.

        Raises:
            KeySourceError: The document cannot be fetched, is another issuer's, or names no URL that may be asked.
        """
        if self._found is not None and self._clock() < self._found_until:
            return self._found
        url = discovery_url(self._issuer)
        document = await self._downloads.get(url)
        metadata = json_object(document.content, place(url))
        # Section 4.3: exactly the same, or the keys could be made to pass for those of another issuer.
        if metadata.get("issuer") != self._issuer:
            raise KeySourceError(
                f"{place(url)} is of another issuer: configure `issuer` exactly as the provider writes it there, or "
                f"`jwks_url` if it differs on purpose"
            )
        found = metadata.get("jwks_uri")
        if not isinstance(found, str) or not is_fetchable(found, allow_http=self._allow_http):
            raise KeySourceError(f"{place(url)} has no jwks_uri that may be asked: it must be an https URL")
        self._found, self._found_until = found, self._clock() + _KEPT_SECONDS
        return found

    def forget(self) -> None:
        """Ask again the next time: the keys were not where they are said to be."""
        self._found = None
