"""What `acquire_client_session` returns, and where aiohttp's sessions are kept in between."""

from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from aiohttp import BaseConnector, ClientSession, CookieJar
from multidict import CIMultiDict

from fastapi_factory_utilities.core.plugins.aiohttp.response import AioHttpClientResponse
from fastapi_factory_utilities.core.plugins.aiohttp.session import AioHttpClientSession

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiohttp.resource import AioHttpClientResource

__all__ = ["Acquired", "ClientSessions"]

_KEPT: Final = 100


class ClientSessions:
    """aiohttp's sessions over one service's connections; the plain ones are used again, without a cookie left.

    Args:
        connector: The connections.
        headers: What every session sends.
    """

    def __init__(self, connector: BaseConnector, headers: dict[str, str]) -> None:
        self._connector = connector
        self._headers = headers
        self._free: list[tuple[ClientSession, CookieJar]] = []

    def take(self) -> tuple[ClientSession, CookieJar]:
        """Return a plain session that nobody else has; give it back."""
        if self._free:
            return self._free.pop()
        jar = CookieJar()
        return self.make(cookie_jar=jar, response_class=AioHttpClientResponse, headers=self._headers), jar

    def give_back(self, session: ClientSession, jar: CookieJar) -> None:
        """Keep a session for the next, unless it has cookies of the last."""
        if len(jar) or len(self._free) >= _KEPT:
            session.detach()
        else:
            self._free.append((session, jar))

    def make(self, **kwargs: Any) -> ClientSession:  # noqa: ANN401 - aiohttp's
        """Make a session; `detach` it."""
        session = ClientSession(connector=self._connector, connector_owner=False, **kwargs)
        # aiohttp would send again by itself when a kept connection turns out to be closed: an attempt without a span,
        # outside of the budget. The pipeline sends again instead.
        session._retry_connection = False  # noqa: SLF001 - as aiohttp's own test client does
        return session

    def make_with(self, kwargs: dict[str, Any]) -> ClientSession:
        """Make a session as somebody wants it."""
        headers: CIMultiDict[str] = CIMultiDict(kwargs.pop("headers", None) or {})
        for name, value in self._headers.items():
            headers.setdefault(name, value)
        kwargs.setdefault("response_class", AioHttpClientResponse)
        return self.make(headers=headers, **kwargs)

    def close(self) -> None:
        """Let go of those that are kept."""
        while self._free:
            self._free.pop()[0].detach()


class Acquired:
    """A session while its block lasts. A class, because a generator would cost every request more than the session.

    Args:
        resource: The service.
        kwargs: Those of `acquire_client_session`.
    """

    __slots__ = ("_kwargs", "_resource", "_session")

    _session: AioHttpClientSession

    def __init__(self, resource: "AioHttpClientResource", kwargs: dict[str, Any]) -> None:
        self._resource = resource
        self._kwargs = kwargs

    async def __aenter__(self) -> AioHttpClientSession:
        resource, kwargs = self._resource, self._kwargs
        sessions = resource.sessions
        if not kwargs:
            client, jar = sessions.take()
            self._session = AioHttpClientSession(
                resource, client.request, on_end=lambda: sessions.give_back(client, jar)
            )
            return self._session
        ours = {name: kwargs.pop(name) for name in ("timeout", "raise_for_status") if name in kwargs}
        client = sessions.make_with(kwargs)
        self._session = AioHttpClientSession(resource, client.request, on_end=client.detach, **ours)
        return self._session

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._session.end()
