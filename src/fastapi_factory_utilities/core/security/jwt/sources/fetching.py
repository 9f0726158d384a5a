"""One fetch of an issuer's keys: where they are, the keys, and which of them can be used; all by one deadline."""

import asyncio
import time
from dataclasses import dataclass

from fastapi_factory_utilities.core.security.jwt.sources.config import KeySourceConfig
from fastapi_factory_utilities.core.security.jwt.sources.discovery import Discovery
from fastapi_factory_utilities.core.security.jwt.sources.download import Downloads
from fastapi_factory_utilities.core.security.jwt.sources.errors import KeySourceError
from fastapi_factory_utilities.core.security.jwt.sources.reading import FetchedKeys, read_keys

__all__ = ["Fetched", "Fetching"]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch brought.

    Attributes:
        keys: The keys.
        max_age_seconds: For how long the provider says that they are fresh; `None` when it does not say.
    """

    keys: FetchedKeys
    max_age_seconds: float | None


class Fetching:
    """Fetches an issuer's keys.

    Args:
        config: Where they are.
        downloads: What downloads them.
    """

    def __init__(self, config: KeySourceConfig, downloads: Downloads) -> None:
        self._config = config
        self._downloads = downloads
        self._discovery = Discovery(config.issuer, downloads, allow_http=config.allow_http, clock=time.monotonic)

    async def fetch(self) -> Fetched:
        """Fetch the keys.

        Raises:
            KeySourceError: They cannot be fetched in time, or none of them can be used.
        """
        seconds = self._config.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._fetch()
        except TimeoutError as error:
            self._discovery.forget()
            raise KeySourceError(f"the provider did not answer within {seconds:g} s") from error
        except KeySourceError:
            self._discovery.forget()
            raise

    async def _fetch(self) -> Fetched:
        url = self._config.jwks_url
        if url is None:
            url = await self._discovery.jwks_url()
        document = await self._downloads.get(url)
        return Fetched(await read_keys(document.content, url), document.max_age_seconds)
