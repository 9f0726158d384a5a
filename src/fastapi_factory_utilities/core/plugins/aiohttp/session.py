"""`AioHttpClientSession`: what people use as they would an `aiohttp.ClientSession`."""

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from aiohttp import ClientResponse
from yarl import URL

from fastapi_factory_utilities.core.plugins.aiohttp.attempts import Request, Send
from fastapi_factory_utilities.core.plugins.aiohttp.call import Call
from fastapi_factory_utilities.core.plugins.aiohttp.call_errors import AioHttpClientUrlError
from fastapi_factory_utilities.core.plugins.aiohttp.errors import AioHttpClientClosedError

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiohttp.resource import AioHttpClientResource

__all__ = ["AioHttpClientSession"]

_NOT_GIVEN: Final = object()


class AioHttpClientSession:
    """Calls one service; each call passes limits, timeouts, repetitions and the circuit breaker.

    Methods take what those of `aiohttp.ClientSession` take, and return what can be awaited, or entered::

        async with session.get("users", params={"page": 2}) as response:
            users = await response.json()

    Paths are put behind the service's base URL. `timeout=` of a call, or of the session, replaces the configured ones,
    in total and for each attempt. Cookies are kept for as long as the session lasts.

    Args:
        resource: The service.
        send: What sends a request.
        timeout: Instead of the configured ones; left out, those hold.
        raise_for_status: Whether an answer of 400 and more is an error; or an async function that says so.
        on_end: Called when its block and its last call have ended.
    """

    __slots__ = ("_calls", "_ended", "_on_end", "_raise_for_status", "_resource", "_send", "_wait")

    def __init__(
        self,
        resource: "AioHttpClientResource",
        send: Send,
        *,
        timeout: Any = _NOT_GIVEN,  # noqa: ANN401 - all that aiohttp takes as a timeout
        raise_for_status: Any = False,  # noqa: ANN401 - aiohttp's: a bool, or a function
        on_end: Callable[[], object] = lambda: None,
    ) -> None:
        self._calls = 0
        self._ended = False
        self._on_end = on_end
        self._resource = resource
        self._send = send
        self._raise_for_status = raise_for_status
        self._wait = None if timeout is _NOT_GIVEN else resource.pipeline.waits.given(timeout)

    @property
    def closed(self) -> bool:
        """Whether its block has ended, or the application has stopped."""
        return self._ended or self._resource.closed

    def request(self, method: str, url: str | URL, **options: Any) -> Call:  # noqa: ANN401 - aiohttp's
        """Make a call.

        Args:
            method: Its method.
            url: Its path below the service's base URL; an absolute URL is taken as it is.
            **options: What `aiohttp.ClientSession.request` takes.

        Raises:
            AioHttpClientCallError: When awaited: there is no answer; the subclass says why.
            AioHttpClientClosedError: When awaited: the application has stopped.
        """
        return Call(self._call(method.upper(), url, options))

    def get(self, url: str | URL, **options: Any) -> Call:  # noqa: ANN401 - aiohttp's
        """Make a GET call; see `request`."""
        return Call(self._call("GET", url, options))

    def head(self, url: str | URL, **options: Any) -> Call:  # noqa: ANN401 - aiohttp's
        """Make a HEAD call, which follows no redirects unless asked to; see `request`."""
        options.setdefault("allow_redirects", False)
        return Call(self._call("HEAD", url, options))

    def options(self, url: str | URL, **options: Any) -> Call:  # noqa: ANN401 - aiohttp's
        """Make an OPTIONS call; see `request`."""
        return Call(self._call("OPTIONS", url, options))

    def post(self, url: str | URL, **options: Any) -> Call:  # noqa: ANN401 - aiohttp's
        """Make a POST call; see `request`."""
        return Call(self._call("POST", url, options))

    def put(self, url: str | URL, **options: Any) -> Call:  # noqa: ANN401 - aiohttp's
        """Make a PUT call; see `request`."""
        return Call(self._call("PUT", url, options))

    def patch(self, url: str | URL, **options: Any) -> Call:  # noqa: ANN401 - aiohttp's
        """Make a PATCH call; see `request`."""
        return Call(self._call("PATCH", url, options))

    def delete(self, url: str | URL, **options: Any) -> Call:  # noqa: ANN401 - aiohttp's
        """Make a DELETE call; see `request`."""
        return Call(self._call("DELETE", url, options))

    def end(self) -> None:
        """Take no more calls; those under way go on."""
        if not self._ended:
            self._ended = True
            if not self._calls:
                self._on_end()

    def _call_ended(self) -> None:
        self._calls -= 1
        if self._ended and not self._calls:
            self._on_end()

    async def close(self) -> None:
        """Do nothing: the session ends with the block that acquired it."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    async def _call(self, method: str, url: str | URL, options: dict[str, Any]) -> ClientResponse:
        resource = self._resource
        resource.check_open()
        if self._ended:
            raise AioHttpClientClosedError(
                f"{resource.key}: not called: the session's block has ended; call inside of `async with "
                f"resource.acquire_client_session()`",
                dependency=resource.key,
            )
        try:
            address = resource.base.join(url)
        except ValueError:
            raise AioHttpClientUrlError(
                f"{resource.key}: not called: the path is no valid URL, or leads out of the base URL by `..`: quote "
                f"the values that it is made of",
                dependency=resource.key,
            ) from None
        raises: bool | Callable[..., Any] | None = options.pop("raise_for_status", None)
        given = options.pop("timeout", _NOT_GIVEN)
        wait = self._wait if given is _NOT_GIVEN else resource.pipeline.waits.given(given)
        request = Request(self._send, method, address, options, options.pop("headers", None))
        self._calls += 1
        try:
            response = await resource.pipeline.call(request, wait)
        finally:
            self._call_ended()
        if raises is None:
            raises = self._raise_for_status
        if raises:
            try:
                if callable(raises):
                    await raises(response)
                else:
                    response.raise_for_status()
            except BaseException:
                response.close()
                raise
        return response
