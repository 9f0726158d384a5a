"""The outermost layer of the FastAPI object: no error leaves it, and each is logged once.

It stands where Starlette has its `ServerErrorMiddleware`, which answers and then raises the error again, so that the
server logs a second traceback. Test clients still get the exception, as `raise_server_exceptions` promises: they are
known by the ASGI extension `http.response.debug`, which no real server offers.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from inspect import isawaitable
from typing import Any

from fastapi.exceptions import ResponseValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from fastapi_factory_utilities.core.api.browser_headers import Completion
from fastapi_factory_utilities.core.api.handlers import closing_words, problem_of, tell
from fastapi_factory_utilities.core.api.problems import Problem, problem_response
from fastapi_factory_utilities.core.api.request_ids import with_request_id
from fastapi_factory_utilities.core.api.trace_ids import trace_id_of
from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.telemetry.scopes import ERROR_KEY

__all__ = ["UnhandledErrors"]

_log = get_logger(__name__)

_SERVER_ERROR = Problem(
    500, detail="The service failed in a way nobody foresaw. Give the trace_id to whoever operates it."
)
_TOO_LARGE = 413
_SAID = frozenset({"websocket.send", "websocket.close"})
_BEGINNINGS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})


class UnhandledErrors:
    """Answers what no exception handler wanted with a 500 problem and logs it once, with its traceback.

    When the response has begun there is nothing left to say: it is left incomplete, and the server closes the
    connection, which is how a client learns of it. Cancellation and interpreter exits pass through.

    Args:
        app: The application inside.
        handler: The service author's own handler for `Exception` or 500, if there is one; it then writes the answer.
        complete: Completes the headers of every answer.
    """

    def __init__(
        self, app: ASGIApp, handler: Callable[..., Any] | None = None, *, complete: Completion = with_request_id
    ) -> None:
        self.app = app
        self.handler = handler
        self.complete = complete

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        complete = self.complete
        last = ""
        replaced: Response | None = None

        def watched(message: Message) -> Awaitable[None]:
            nonlocal last, replaced
            last = message["type"]
            if message.get("status") == _TOO_LARGE:
                replaced = _problem_instead(message, scope)
            if replaced is not None:
                message = {**message, **_part_of(replaced, last)}
            if last in _BEGINNINGS:
                message = complete(message, scope)
            elif last in _SAID:
                return _say(message, send)
            return send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001 - this is where errors end
            await self._end(error, last, scope, receive, send)

    async def _end(self, error: Exception, last: str, scope: Scope, receive: Receive, send: Send) -> None:
        if isinstance(error, WebSocketDisconnect):
            return  # the peer left, and the endpoint had nothing more to do
        send = _completing(self.complete, scope, send)
        problem = problem_of(error)
        if problem is None:
            if ERROR_KEY in scope:
                scope[ERROR_KEY] = error
            _log_unhandled(error, scope)
        else:
            tell(scope, problem, error)
        if scope["type"] == "websocket":
            await _end_websocket(problem or _SERVER_ERROR, last, scope, receive, send)
            return
        if not last:
            response = await self._response(error, problem, scope, receive)
            await response(scope, receive, send)
        if "http.response.debug" in (scope.get("extensions") or {}):
            raise error

    async def _response(self, error: Exception, problem: Problem | None, scope: Scope, receive: Receive) -> Response:
        if problem is None and self.handler is not None:
            try:
                response = self.handler(Request(scope, receive), error)
                response = await response if isawaitable(response) else response
            except Exception as second:  # noqa: BLE001 - a failing error handler must not cost the answer
                _log_unhandled(second, scope)
            else:
                if isinstance(response, Response):
                    return response
        return problem_response(problem or _SERVER_ERROR, trace_id_of(scope))


def _completing(complete: Completion, scope: Scope, send: Send) -> Send:
    async def completed(message: Message) -> None:
        await send(complete(message, scope) if message["type"] in _BEGINNINGS else message)

    return completed


async def _say(message: Message, send: Send) -> None:
    """Send on an open WebSocket; uvicorn takes it for a mistake of ours when the peer has closed it a moment ago.

    Starlette knows the error that ASGI has for this, and tells the endpoint that the peer has left. That the endpoint
    has not closed it itself, Starlette has seen to before.
    """
    try:
        await send(message)
    except RuntimeError as error:
        raise ConnectionResetError("the peer has closed the WebSocket") from error


def _log_unhandled(error: Exception, scope: Scope) -> None:
    _log.error(
        "unhandled exception",
        method=scope.get("method", "WEBSOCKET"),
        path=scope["path"],
        route=getattr(scope.get("route"), "path_format", None),
        trace_id=trace_id_of(scope),
        exc_info=_without_content(error),
    )


def _without_content(error: Exception) -> Exception:
    """Return an error whose text does not repeat the answer that did not fit its model."""
    if not isinstance(error, ResponseValidationError):
        return error
    safe = [{name: fault.get(name) for name in ("type", "loc", "msg")} for fault in error.errors()]
    copy = ResponseValidationError(safe)
    copy.__dict__ |= {name: value for name, value in error.__dict__.items() if name.startswith("endpoint_")}
    return copy.with_traceback(error.__traceback__)


async def _end_websocket(problem: Problem, last: str, scope: Scope, receive: Receive, send: Send) -> None:
    if last == "":
        if "websocket.http.response" in (scope.get("extensions") or {}):
            await problem_response(problem, trace_id_of(scope))(scope, receive, send)
            return
    elif last not in ("websocket.accept", "websocket.send"):
        return  # closed or refused already
    code, reason = closing_words(problem)
    with suppress(ConnectionResetError):
        await _say({"type": "websocket.close", "code": code, "reason": reason}, send)


def _problem_instead(message: Message, scope: Scope) -> Response | None:
    """Return the problem that replaces the plain text with which Starlette's body limit answers."""
    is_plain = dict(message.get("headers", ())).get(b"content-type", b"").startswith(b"text/plain")
    if is_plain and "starlette.max_body_size" in scope:
        return problem_response(Problem(_TOO_LARGE), trace_id_of(scope))
    return None


def _part_of(response: Response, kind: str) -> Message:
    return {"headers": response.raw_headers} if kind == "http.response.start" else {"body": response.body}
