"""`JWKStoreRemote`: the keys of several issuers, each fetched from its own provider."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Self

from fastapi_factory_utilities.core.security.jwt.sources.config import KeySourceConfig
from fastapi_factory_utilities.core.security.jwt.sources.source import KeySource
from fastapi_factory_utilities.core.security.jwt.stores import JWKStoreAbstract

if TYPE_CHECKING:
    from joserfc.jwk import Key

__all__ = ["JWKStoreRemote"]


class JWKStoreRemote(JWKStoreAbstract):
    """Gives the keys of issuers that publish them.

    ::

        async with JWKStoreRemote.following(KeySourceConfig(issuer="https://login.example")) as store:
            service = JWTAuthenticationService(config, store)

    In an application `JWTPlugin` does it.

    Args:
        sources: One for each issuer; they run for as long as the store is used.

    Raises:
        ValueError: Two are of the same issuer.
    """

    def __init__(self, sources: Iterable[KeySource]) -> None:
        self._sources: dict[str, KeySource] = {}
        for source in sources:
            if source.issuer in self._sources:
                raise ValueError("two key sources are of the same issuer: give one for each")
            self._sources[source.issuer] = source

    @classmethod
    @asynccontextmanager
    async def following(cls, *configs: KeySourceConfig) -> AsyncIterator[Self]:
        """Make a store whose keys are kept fresh for as long as the body lasts.

        Args:
            *configs: Where the keys are, of each issuer.

        Raises:
            ValueError: Two are of the same issuer.
            KeySourceError: The file of an `ssl_ca_path` has no certificates in it.
        """
        sources = [KeySource(config) for config in configs]
        store = cls(sources)
        async with AsyncExitStack() as stack:
            for source in sources:
                await stack.enter_async_context(source.running())
            yield store

    async def find_key(self, issuer: str, kid: str | None, algorithm: str) -> "Key | None":
        """Return the key of an issuer that a token's header means.

        Raises:
            KeysUnavailableError: No key of the issuer is held; over HTTP a 503 problem.
        """
        source = self._sources.get(issuer)
        return None if source is None else await source.find_key(kid, algorithm)
