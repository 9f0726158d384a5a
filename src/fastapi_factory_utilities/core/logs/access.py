"""One line for each request and WebSocket session: who asked what, and how it went."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from time import perf_counter
from typing import Any

__all__ = ["AccessLog"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_GONE = frozenset({"ClientDisconnect", "ClientDisconnected"})  # Starlette's; uvicorn's, an OSError (ASGI 2.4)
_ANSWER_IN_ONE = frozenset({"http.response.pathsend", "http.response.zerocopysend"})


class AccessLog:
    """An ASGI application that tells how another one answered.

    Put it outside of everything that makes answers. An exception passes through, and has its line as well.

    Args:
        app: The application.
        excluded_paths: Requests to paths that begin so leave no line, such as probes.
    """

    def __init__(self, app: ASGIApp, *, excluded_paths: Iterable[str] = ("/api/v1/sys/",)) -> None:
        from fastapi_factory_utilities.core.logs import access_lines  # noqa: PLC0415 - for those who serve

        self._is_logged, self._log_request = access_lines.access_is_logged, access_lines.log_request
        self._log_session = access_lines.log_session
        self._app = app
        self._excluded = tuple(excluded_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        kind = scope["type"]
        if kind == "lifespan" or not self._is_logged() or self._is_excluded(scope):
            await self._app(scope, receive, send)
            return
        if kind != "http":
            await self._serve_session(scope, receive, send)
            return
        status = size = 0
        answered = gone = failed = False

        async def watched_receive() -> Message:
            nonlocal gone
            message = await receive()
            if message["type"] == "http.disconnect" and not answered:
                gone = True
            return message

        # Not a coroutine of its own: whoever calls it awaits what the server gave.
        def watched_send(message: Message) -> Awaitable[None]:
            nonlocal status, size, answered
            kind = message["type"]
            if kind == "http.response.body":
                size += len(message.get("body", b""))
                answered = answered or not message.get("more_body", False)
            elif kind == "http.response.start":
                status = message["status"]
            elif kind in _ANSWER_IN_ONE:
                answered = True
            return send(message)

        started = perf_counter()
        try:
            await self._app(scope, watched_receive, watched_send)
        except Exception as error:
            failed = type(error).__name__ not in _GONE
            gone = gone or not failed
            raise
        finally:
            # Without an exception, or cancelled, and yet not answered: there was nobody left to answer.
            self._log_request(
                scope,
                status,
                perf_counter() - started,
                size=size,
                disconnected=gone or not (answered or failed),
                failed=failed,
            )

    def _is_excluded(self, scope: Scope) -> bool:
        path: str = scope["path"]
        root_path: str = scope.get("root_path", "")
        return (path.removeprefix(root_path) if root_path else path).startswith(self._excluded)

    async def _serve_session(self, scope: Scope, receive: Receive, send: Send) -> None:
        accepted = failed = False
        code: int | None = None

        async def watched_receive() -> Message:
            nonlocal code
            message = await receive()
            if message["type"] == "websocket.disconnect":
                code = message.get("code", 1005)
            return message

        async def watched_send(message: Message) -> None:
            nonlocal accepted, code
            kind = message["type"]
            await send(message)
            if kind == "websocket.accept":
                accepted = True
                self._log_session(scope, "websocket opened")
            elif kind == "websocket.close" and code is None:
                code = message.get("code", 1000)

        started = perf_counter()
        try:
            await self._app(scope, watched_receive, watched_send)
        except Exception:
            failed = True
            raise
        finally:
            event = "websocket closed" if accepted else "websocket refused"
            self._log_session(scope, event, seconds=perf_counter() - started, code=code, failed=failed)
