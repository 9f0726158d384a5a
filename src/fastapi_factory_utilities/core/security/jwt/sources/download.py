"""One small document from a provider: by a deadline, up to a size, from the address that was asked and no other."""

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from fastapi_factory_utilities.core.security.jwt.sources import required  # noqa: F401 - says how to install the rest

# isort: split
import aiohttp

from fastapi_factory_utilities.core.security.jwt.sources.errors import KeySourceError

__all__ = ["Document", "Downloads", "opened", "place"]

_OK: Final = 200
_REDIRECTS: Final = range(300, 400)
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})\"?(?=$|[,\s])", re.IGNORECASE)
_HEADERS: Final = {
    "Accept": "application/json, application/jwk-set+json",
    # A compressed answer of a few bytes could become one of many megabytes.
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class Document:
    """What a provider answered.

    Attributes:
        content: The body.
        max_age_seconds: For how long the provider says that it is fresh; `None` when it does not say.
    """

    content: bytes
    max_age_seconds: float | None


def place(url: str) -> str:
    """Return a URL as it may be told: without credentials, query and fragment."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class Downloads:
    """Downloads documents; see `opened`.

    Args:
        session: Its connections.
        max_bytes: The largest body that is read.
    """

    def __init__(self, session: aiohttp.ClientSession, *, max_bytes: int) -> None:
        self._session = session
        self._max_bytes = max_bytes

    async def get(self, url: str) -> Document:
        """Download a document; the caller sets the deadline.

        Raises:
            KeySourceError: There is no answer, or none to be read: a redirect, an error, compressed, too large.
        """
        told = place(url)
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                self._check(response, told)
                content = await self._read(response, told)
                return Document(content, _max_age(response.headers.get("Cache-Control", "")))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # The texts of aiohttp's errors may have the whole URL in them.
            raise KeySourceError(f"{told} {_why(error)}") from error

    def _check(self, response: aiohttp.ClientResponse, told: str) -> None:
        if response.status in _REDIRECTS:
            raise KeySourceError(f"{told} answers with a redirect, and none is followed: configure the final address")
        if response.status != _OK:
            raise KeySourceError(f"{told} answers with status {response.status}")
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise KeySourceError(f"{told} sends a compressed answer though none was asked for")

    async def _read(self, response: aiohttp.ClientResponse, told: str) -> bytes:
        content = bytearray()
        async for chunk in response.content.iter_any():
            content += chunk
            if len(content) > self._max_bytes:
                raise KeySourceError(f"{told} sends more than {self._max_bytes} bytes; max_bytes says how many may be")
        return bytes(content)


@asynccontextmanager
async def opened(*, max_bytes: int, tls: ssl.SSLContext | bool = True) -> AsyncIterator[Downloads]:
    """Be able to download for as long as the body lasts; nothing is connected before it is needed.

    Args:
        max_bytes: The largest body that is read.
        tls: What the provider's certificate is checked with; `True` is the system's authorities.
    """
    # A new connection each time: minutes pass between two fetches, and a kept one would be dead or hijack a balancer.
    connector = aiohttp.TCPConnector(limit=1, force_close=True, ssl=tls)
    session = aiohttp.ClientSession(
        connector=connector,
        headers=_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        # The deadline is the caller's, for all that one fetch takes.
        timeout=aiohttp.ClientTimeout(total=None),
    )
    async with session:
        yield Downloads(session, max_bytes=max_bytes)


def _why(error: Exception) -> str:
    match error:
        case aiohttp.ClientSSLError():
            return "cannot be trusted: TLS failed; see its certificate, and ssl_ca_path if the authority is your own"
        case aiohttp.ClientConnectorError():
            return "cannot be reached: see that the provider runs, and that the address is right"
        case _:
            return f"cannot be read ({type(error).__name__})"


def _max_age(cache_control: str) -> float | None:
    found = _MAX_AGE.search(cache_control)
    return float(found.group(1)) if found is not None else None
