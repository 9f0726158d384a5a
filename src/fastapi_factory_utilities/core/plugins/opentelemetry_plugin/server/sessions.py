"""WebSocket sessions: one span from the handshake to the end."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastapi_factory_utilities.core.logs.access_lines import route_template
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.answers import CANCELLED, CLIENT_GONE, Answers
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.spans import ServerSpans
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.current import detach_span
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.failures import type_name
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.span import LightSpan
from fastapi_factory_utilities.core.telemetry.scopes import ERROR_KEY

__all__ = ["serve_session"]

_SWITCHING_PROTOCOLS = 101
_FORBIDDEN = 403  # what a server answers when it is told to close before it was told to accept


async def serve_session(
    app: ASGIApp, spans: ServerSpans, answers: Answers, scope: Scope, receive: Receive, send: Send
) -> None:
    """Serve one session.

    Args:
        app: The application.
        spans: Begins and ends the span.
        answers: Knows what sessions have in common.
        scope: Of the session.
        receive: Of the session.
        send: Of the session.
    """
    status = 0

    async def watched(message: Message) -> None:
        nonlocal status
        await send(message)
        if not status:
            kind = message["type"]
            if kind == "websocket.accept":
                status = _SWITCHING_PROTOCOLS
            elif kind == "websocket.close":
                status = _FORBIDDEN
            elif kind == "websocket.http.response.start":
                status = message["status"]

    # A handshake is a GET over HTTP/1.1, a CONNECT since then (RFC 6455, 4.1; RFC 8441, 4).
    version: str = scope.get("http_version", "1.1")
    method = "GET" if version.startswith("1") else "CONNECT"
    span, token = spans.begin(scope, method)
    failure: BaseException | None = None
    try:
        await app(scope, receive, watched)
    except BaseException as error:
        failure = error
        raise
    finally:
        detach_span(token)
        failure = scope.pop(ERROR_KEY, None) or failure
        if type(span) is LightSpan:
            if failure is None:
                error_type = None if status else CLIENT_GONE
            else:
                error_type = type_name(failure) if isinstance(failure, Exception) else CANCELLED
            answer = answers.of(method, route_template(scope), status, error_type, scope.get("scheme", "ws"), version)
            spans.end(span, scope, answer, failure)
        failure = None  # it refers to this frame
