"""Saying no before the application is asked."""

from starlette.types import Receive, Scope, Send

from fastapi_factory_utilities.core.api.handlers import closing_words
from fastapi_factory_utilities.core.api.problems import Problem, problem_response
from fastapi_factory_utilities.core.api.trace_ids import trace_id_of

__all__ = ["refuse"]


async def refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, or the handshake of a WebSocket, with a problem.

    Where the server cannot answer a handshake so (ASGI extension `websocket.http.response`), it is refused plainly.
    """
    if scope["type"] == "websocket" and "websocket.http.response" not in (scope.get("extensions") or {}):
        code, reason = closing_words(problem)
        await send({"type": "websocket.close", "code": code, "reason": reason})
    else:
        await problem_response(problem, trace_id_of(scope))(scope, receive, send)
