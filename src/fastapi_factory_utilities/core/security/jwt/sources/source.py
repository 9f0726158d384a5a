"""`KeySource`: the keys of one issuer, fetched in the background and kept."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from fastapi_factory_utilities.core.security.jwt.sources.config import KeySourceConfig
from fastapi_factory_utilities.core.security.jwt.sources.crowd import Crowd
from fastapi_factory_utilities.core.security.jwt.sources.download import opened
from fastapi_factory_utilities.core.security.jwt.sources.errors import KeysUnavailableError
from fastapi_factory_utilities.core.security.jwt.sources.fetching import Fetching
from fastapi_factory_utilities.core.security.jwt.sources.reading import FetchedKeys
from fastapi_factory_utilities.core.security.jwt.sources.schedule import Schedule, UnknownKidGate
from fastapi_factory_utilities.core.security.jwt.sources.telling import KeySourceState, Telling
from fastapi_factory_utilities.core.security.jwt.sources.tls import tls_of

if TYPE_CHECKING:
    from joserfc.jwk import Key

__all__ = ["KeySource"]


class KeySource:
    """Fetches an issuer's keys ahead of time, and again when a token names one that it does not know.

    While it runs there is never more than one fetch under way, however many requests wait for it. Keys that cannot be
    fetched again are kept for `stale_seconds`; keys that the provider withdraws are gone with the next fetch.

    Args:
        config: Where the keys are.
        tls: What the provider's certificate is checked with, as aiohttp takes it; by default `ssl_ca_path` says.
        told: Called with the state after each fetch.

    Raises:
        KeySourceError: The file of `ssl_ca_path` has no certificates in it.
    """

    def __init__(
        self,
        config: KeySourceConfig,
        *,
        tls: ssl.SSLContext | bool | None = None,
        told: Callable[[KeySourceState], object] = lambda _: None,
    ) -> None:
        self.config: KeySourceConfig = config
        self._tls = tls_of(config) if tls is None else tls
        self._telling = Telling(config.issuer, told)
        self._schedule = Schedule(config.refresh_seconds)
        self._gate = UnknownKidGate(config.unknown_kid_seconds, clock=time.monotonic)
        self._keys: FetchedKeys | None = None
        self._fetched_at = 0.0
        self._running = False
        # Whether a fetch is wanted or under way, when the latest began, and who waits for its end.
        self._wanted = asyncio.Event()
        self._fetching = False
        self._began_at = 0.0
        self._waiting = Crowd()

    @property
    def issuer(self) -> str:
        """Whose keys they are."""
        return self.config.issuer

    @property
    def keys(self) -> FetchedKeys | None:
        """The keys; `None` when there are none yet, or only such as were not confirmed for too long."""
        if self._keys is None or time.monotonic() - self._fetched_at > self.config.stale_seconds:
            return None
        return self._keys

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Fetch for as long as the body lasts; the first fetch is not waited for."""
        config = self.config
        async with opened(max_bytes=config.max_bytes, tls=self._tls) as downloads:
            self._wanted.set()
            self._running = True
            task = asyncio.create_task(self._keep_fresh(Fetching(config, downloads)), name=f"keys of {config.issuer}")
            try:
                yield
            finally:
                self._running = self._fetching = False
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                self._tell_the_waiting()

    async def find_key(self, kid: str | None, algorithm: str) -> "Key | None":
        """Return the key that a token's header means; if it is not known, look in keys that were fetched since.

        Args:
            kid: The header's `kid`, if there is one.
            algorithm: The header's `alg`.

        Returns:
            The key; `None` when the provider has none that fits, or was asked for others a moment ago.

        Raises:
            KeysUnavailableError: There are no keys at all.
        """
        if (found := self._held(kid, algorithm)) is not None:
            return found
        called_at = time.monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.config.timeout_seconds):
                while self._more_will_be_known(called_at):
                    await self._waiting.wait()
                    if (found := self._held(kid, algorithm)) is not None:
                        return found
        if self.keys is None:
            raise KeysUnavailableError(
                f"no keys of {self.issuer} are held: see the log event `keys not fetched`, and whether the provider "
                f"answers",
                issuer=self.issuer,
            )
        return None

    def _held(self, kid: str | None, algorithm: str) -> "Key | None":
        keys = self.keys
        return None if keys is None else keys.find(kid, algorithm)

    def _more_will_be_known(self, called_at: float) -> bool:
        """Whether a fetch that somebody waits for since then can bring something new, and is made."""
        if not self._running:
            return False
        if self._fetching or self._wanted.is_set():
            return True
        if (failing_since := self._telling.failing_since) is not None:
            # It is tried again soon. Who waits through a whole outage waits for nothing.
            return time.monotonic() - failing_since < self.config.timeout_seconds
        if self._began_at > called_at:
            return False
        if self._gate.passes():
            self._wanted.set()
            return True
        return False

    async def _keep_fresh(self, fetching: Fetching) -> None:
        while True:
            pause = await self._fetch(fetching)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wanted.wait()

    async def _fetch(self, fetching: Fetching) -> float:
        """Fetch the keys, tell how it went, and return the seconds until the next fetch."""
        self._fetching, self._began_at = True, time.monotonic()
        self._wanted.clear()
        problem: str | None = None
        try:
            fetched = await fetching.fetch()
        except Exception as error:  # noqa: BLE001 - whatever happens, the keys are fetched again
            pause = self._schedule.failed()
            problem = self._telling.failed(error, self._count())
        else:
            pause = self._schedule.succeeded(fetched.max_age_seconds)
            self._keys, self._fetched_at = fetched.keys, time.monotonic()
            self._telling.fetched(self._count(), fetched.keys.refused)
        finally:
            self._fetching = False
            self._tell_the_waiting()
        self._telling.state(KeySourceState(self._count(), problem, pause))
        return pause

    def _count(self) -> int:
        keys = self.keys
        return 0 if keys is None else len(keys)

    def _tell_the_waiting(self) -> None:
        waiting, self._waiting = self._waiting, Crowd()
        waiting.wake()
