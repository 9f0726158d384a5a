"""The id of a request: taken from the caller or made here, told in the answer, and part of every log line.

The caller's `X-Request-ID` is kept if it can do no harm anywhere it goes; any other request is called by its trace id.
"""

import re
from collections.abc import MutableMapping
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastapi_factory_utilities.core.api.trace_ids import TRACEPARENT, new_trace_id, trace_id_of
from fastapi_factory_utilities.core.logs.context import REQUEST_IDS
from fastapi_factory_utilities.core.telemetry.scopes import REQUEST_ID_KEY, TRACE_ID_KEY

__all__ = ["REQUEST_ID_HEADER", "RequestIds", "request_id_of", "with_request_id"]

REQUEST_ID_HEADER: Final = "X-Request-ID"

_HEADER: Final = b"x-request-id"
# What UUIDs, base64 and the ids of proxies and clouds are made of; nothing that ends a header, a field or a line.
_VALID: Final = re.compile(rb"[A-Za-z0-9._~+/=:@-]{1,128}")


def request_id_of(scope: MutableMapping[str, Any]) -> str:
    """Return the id of an ASGI connection, the same at every call.

    It is the value of a single `X-Request-ID` header, if that consists of 1 to 128 of the characters
    `A-Z a-z 0-9 . _ ~ + / = : @ -`; otherwise the trace id (`trace_id_of`).
    """
    known: str | None = scope.get(REQUEST_ID_KEY)
    if known is None:
        known = scope[REQUEST_ID_KEY] = _incoming(scope) or trace_id_of(scope)
    return known


def with_request_id(message: Message, scope: Scope) -> Message:
    """Return the beginning of an answer with the request's id in its headers, unless the service put one there."""
    headers = message.get("headers", ())
    for name, _ in headers:
        if name == _HEADER:
            return message
    return {**message, "headers": [*headers, (_HEADER, request_id_of(scope).encode("ascii"))]}


class RequestIds:
    """An ASGI application that puts `request_id` and `trace_id` into every log line of a request or WebSocket session.

    Put it outside of the access log. Threads and tasks that the request starts have the ids as well.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        # Now and not when a line asks: a layer inside may copy the scope, and both must find the same ids.
        names = dict(scope["headers"])  # the fastest way to see that neither header is there, as in most requests
        trace_id = scope.get(TRACE_ID_KEY)
        if trace_id is None:
            trace_id = trace_id_of(scope) if TRACEPARENT in names else new_trace_id()
            scope[TRACE_ID_KEY] = trace_id
        request_id = scope[REQUEST_ID_KEY] = request_id_of(scope) if _HEADER in names else trace_id
        token = REQUEST_IDS.set({"request_id": request_id, "trace_id": trace_id})
        try:
            await self._app(scope, receive, send)
        finally:
            REQUEST_IDS.reset(token)


def _incoming(scope: MutableMapping[str, Any]) -> str | None:
    values = [value for name, value in scope.get("headers", ()) if name == _HEADER]
    return values[0].decode("ascii") if len(values) == 1 and _VALID.fullmatch(values[0]) else None
