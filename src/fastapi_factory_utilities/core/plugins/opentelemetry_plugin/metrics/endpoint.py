"""`/metrics`: answered before anything of the application sees the request, so it is in no trace and no access log."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from fastapi_factory_utilities.core.logs import get_logger

__all__ = ["MetricsEndpoint"]

_log = get_logger(__name__)

_GET: Final = frozenset({"GET", "HEAD"})

type _Scope = MutableMapping[str, Any]
type _Message = MutableMapping[str, Any]
type _Receive = Callable[[], Awaitable[_Message]]
type _Send = Callable[[_Message], Awaitable[None]]
type _ASGIApp = Callable[[_Scope, _Receive, _Send], Awaitable[None]]


class MetricsEndpoint:
    """An ASGI layer that answers one path, and hands on the rest.

    Args:
        app: Who answers the rest.
        path: The path.
        render: Makes the answer's body and its `Content-Type` of the header `Accept`.
    """

    def __init__(self, app: _ASGIApp, path: str, render: Callable[[str], tuple[bytes, str]]) -> None:
        self._app = app
        self._path = path
        self._render = render

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http" or not self._is_ours(scope):
            await self._app(scope, receive, send)
            return
        # Thousands of series take a tenth of a second, which must not hold the event loop.
        status, headers, body = await asyncio.to_thread(self._answer, scope)
        headers += ((b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store"))
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _is_ours(self, scope: _Scope) -> bool:
        path: str = scope["path"]
        return path == self._path or path == scope.get("root_path", "") + self._path

    def _answer(self, scope: _Scope) -> tuple[int, tuple[tuple[bytes, bytes], ...], bytes]:
        if scope["method"] not in _GET:
            return 405, ((b"allow", b"GET, HEAD"),), b""
        accept = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1")
        try:
            body, content_type = self._render(accept)
        except Exception as error:  # noqa: BLE001 - a strange measurement; whoever scrapes must see a failure
            _log.error("metrics could not be shown", exc_info=error)
            return 500, ((b"content-type", b"text/plain"),), b"metrics could not be shown, see the log\n"
        return 200, ((b"content-type", content_type.encode()),), body
