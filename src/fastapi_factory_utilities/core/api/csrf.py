"""Pages of other sites may not change anything here (cross-site request forgery).

A browser sends the user's cookies along with whatever a page makes it send, wherever the page comes from. But it says
where the page comes from, and no script can change what it says:

- `Sec-Fetch-Site` (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/), in every browser since 2023: ours if it is
  `same-origin`, or `none` (the user's own doing);
- `Origin` (RFC 6454, 7.3), in older ones: ours if its host is the request's `Host`.

A request with neither comes from no browser, and so from nobody who could be made to send it. Nothing has to be issued,
kept or sent back, and clients that are programs notice nothing. WebSockets are opened by GET, and are no subject of
CORS: their handshakes count as changes (cross-site WebSocket hijacking).
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from fastapi_factory_utilities.core.api.problems import Problem
from fastapi_factory_utilities.core.api.refusing import refuse

__all__ = ["SAFE_METHODS", "OwnPagesOnly", "csrf_protection"]

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""The methods that change nothing (RFC 9110, 9.2.1)."""

_OURS: Final = frozenset({b"same-origin", b"none"})
_CROSS_SITE: Final = Problem(
    403, detail="A page of another site sent this. The service changes nothing for pages other than its own."
)


def csrf_protection(
    *,
    enabled: bool = True,
    trusted_origins: Sequence[str] = (),
    cors_origins: Sequence[str] = (),
    cors_origin_regex: str | None = None,
    cors_credentials: bool = False,
) -> Callable[[ASGIApp], ASGIApp] | None:
    """Return what refuses changes that pages of other origins ask for, for `create_fastapi`.

    Args:
        enabled: Whether to refuse anything.
        trusted_origins: Origins whose pages may do as ours do, such as `https://app.example`.
        cors_origins: Origins that CORS allows (`add_cors`); `*` is all. Their pages may do what needs no cookie, and
            everything if credentials are allowed.
        cors_origin_regex: A pattern that such an origin must match as a whole.
        cors_credentials: Whether CORS allows them cookies.
    """
    if not enabled:
        return None
    return partial(
        OwnPagesOnly,
        trusted_origins=(*trusted_origins, *(cors_origins if cors_credentials else ())),
        trusted_regex=cors_origin_regex if cors_credentials else None,
        cookieless_origins=() if cors_credentials else cors_origins,
        cookieless_regex=None if cors_credentials else cors_origin_regex,
    )


class OwnPagesOnly:
    """Answers what pages of other origins send to change something with 403.

    Args:
        app: The application inside.
        trusted_origins: Whose pages may do as ours do.
        trusted_regex: A pattern for such origins.
        cookieless_origins: Whose pages may do what needs neither cookies nor credentials that browsers add; `*` is all.
        cookieless_regex: A pattern for such origins.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        trusted_origins: Sequence[str] = (),
        trusted_regex: str | None = None,
        cookieless_origins: Sequence[str] = (),
        cookieless_regex: str | None = None,
    ) -> None:
        self.app = app
        self._trusted = frozenset(origin.lower() for origin in trusted_origins)
        self._trusted_pattern = None if trusted_regex is None else re.compile(trusted_regex)
        self._cookieless = frozenset(origin.lower() for origin in cookieless_origins)
        self._cookieless_pattern = None if cookieless_regex is None else re.compile(cookieless_regex)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        kind = scope["type"]
        is_change = kind == "websocket" or (kind == "http" and scope["method"] not in SAFE_METHODS)
        if is_change and self._is_foreign(scope["headers"]):
            await refuse(_CROSS_SITE, scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _is_foreign(self, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        sites: list[bytes] = []
        origins: list[bytes] = []
        hosts: list[bytes] = []
        has_credentials = False
        for name, value in headers:
            if name == b"sec-fetch-site":
                sites.append(value)
            elif name == b"origin":
                origins.append(value)
            elif name == b"host":
                hosts.append(value)
            elif name == b"cookie" or (name == b"authorization" and value[:7].lower() != b"bearer "):
                has_credentials = True
        if not (sites or origins) or (len(sites) == 1 and sites[0] in _OURS):
            return False
        if len(origins) != 1:
            return True  # several ones, or a request that has none although another site's page made it
        origin = origins[0].decode("latin-1").lower()
        if not sites and len(hosts) == 1 and origin.partition("://")[2] == hosts[0].decode("latin-1").lower():
            return False
        return not self._is_allowed(origin, has_credentials=has_credentials)

    def _is_allowed(self, origin: str, *, has_credentials: bool) -> bool:
        if origin in self._trusted or (self._trusted_pattern and self._trusted_pattern.fullmatch(origin)):
            return True
        if has_credentials:
            return False
        if "*" in self._cookieless or origin in self._cookieless:
            return True
        return self._cookieless_pattern is not None and self._cookieless_pattern.fullmatch(origin) is not None
