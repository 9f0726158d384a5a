"""Where a call goes, and what may be said of it."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from yarl import URL, Query

__all__ = ["BaseUrl", "told"]

_JOINED_KEPT: Final = 500
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class BaseUrl:
    """The address of a service, which paths are put behind.

    `https://host/api` and `/users`, or `users`, make `https://host/api/users`: unlike in a browser, a slash at the
    beginning does not mean the root of the server. A query of the base is sent with every call. An absolute URL is
    taken as it is, as aiohttp does.

    Args:
        url: The address, as configured.

    Attributes:
        host: The host that is called.
        port: Its port.
        scheme: `http` or `https`.
        join: Returns the address of a path below the base, or of an absolute URL; a `ValueError` is a path that
            leads out of the base, by `..`.
    """

    def __init__(self, url: str) -> None:
        base = URL(url)
        self._query = base.query
        bare = base.with_query(None).with_fragment(None)
        self._path = bare.path.rstrip("/") + "/"
        self._prefix = str(bare).rstrip("/") + "/"
        self.host: str = base.host or ""
        self.port: int = base.port or _DEFAULT_PORTS[base.scheme]
        self.scheme: str = base.scheme
        # Programs call few paths many times.
        self.join: Callable[[str | URL], URL] = lru_cache(_JOINED_KEPT)(self._join)

    def _join(self, path: str | URL) -> URL:
        if type(path) is URL:
            if path.absolute and path.scheme:
                return path
            path = str(path)
        assert isinstance(path, str)  # noqa: S101 - URL cannot be subclassed
        if path.startswith(("http://", "https://")):
            return URL(path)
        url = URL(self._prefix + path.lstrip("/"))
        # yarl has resolved every `..` in it, but not the coded ones, which some servers resolve.
        if ".." in path or "%2e" in path.lower():
            self._check(url)
        return url.extend_query(self._query) if self._query else url

    def _check(self, url: URL) -> None:
        if not (url.path + "/").startswith(self._path) or ".." in url.path.split("/"):
            raise ValueError("the path leads out of the service's base URL by `..`: quote what it is made of")


def told(url: URL, params: Query = None) -> str:
    """Return a URL as telemetry may have it: without credentials, and without the values of its query."""
    if params:
        url = url.extend_query(params)
    if url.raw_query_string:
        url = url.with_query([(name, "REDACTED") for name in url.query])
    return str(url.with_user(None).with_fragment(None) if url.user or url.password else url.with_fragment(None))
