"""The layer around everything that the application serves: a SERVER span and a duration for each request."""

from collections.abc import Sequence
from time import perf_counter

from starlette.types import ASGIApp, Receive, Scope, Send

from fastapi_factory_utilities.core.logs.access_lines import route_template
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.answers import Answers
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.exchange import Exchange
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.instruments import ActiveRequests, recorder_of
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.sessions import serve_session
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.spans import ServerSpans
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.telemetry import OpenTelemetryTelemetry
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.current import detach_span
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.failures import type_name
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.span import LightSpan
from fastapi_factory_utilities.core.telemetry.scopes import ERROR_KEY

__all__ = ["ServerLayer"]


class ServerLayer:
    """An ASGI application that records how another one answers.

    A span ends, and a duration is taken, with the last octet of the answer; what runs after it, as background tasks do,
    is below the span and does not lengthen it. A WebSocket session is one span; it is no request, and has no duration.

    Args:
        app: The application; put the layer outside of whatever answers or logs.
        telemetry: Where spans and instruments come from.
        excluded_urls: Regular expressions: requests to paths in which one is found are neither recorded nor measured.
    """

    def __init__(self, app: ASGIApp, telemetry: OpenTelemetryTelemetry, *, excluded_urls: Sequence[str] = ()) -> None:
        self._app = app
        self._spans = ServerSpans(telemetry, excluded_urls)
        self._has_excluded = bool(excluded_urls)
        self._answers = Answers(recorder_of(telemetry))
        self._active = ActiveRequests(telemetry)
        self._kinds: dict[tuple[str, str], tuple[str, list[float]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http" or (self._has_excluded and self._spans.excludes(scope)):
            await self._serve_other(scope, receive, send)
            return
        began = perf_counter()
        kind = (scope["method"], scope.get("scheme", "http"))
        name, active = self._kinds.get(kind) or self._kind(kind)
        span, token = self._spans.begin(scope, name)
        exchange = Exchange(self._end, scope, send, span, active, began)
        try:
            await self._app(scope, receive, exchange.send)
        except BaseException as error:
            exchange.close(error)
            raise
        else:
            exchange.close(None)
        finally:
            detach_span(token)

    async def _serve_other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve what is no request, and what is excluded."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif self._has_excluded and self._spans.excludes(scope):
            _, token = self._spans.begin(scope, "", excluded=True)
            try:
                await self._app(scope, receive, send)
            finally:
                detach_span(token)
        else:
            await serve_session(self._app, self._spans, self._answers, scope, receive, send)

    def _kind(self, kind: tuple[str, str]) -> tuple[str, list[float]]:
        """Return the name of a span whose route is not known yet, and the count of such requests."""
        method, scheme = kind
        known = self._answers.method(method)
        found = (self._answers.name(method), self._active.of(known, scheme))
        if known == method:  # anybody may make methods up
            self._kinds[kind] = found
        return found

    def _end(self, exchange: Exchange, error: BaseException | None, error_type: str | None) -> None:
        """Take the duration of a request, and end its span."""
        seconds = perf_counter() - exchange.began
        scope = exchange.scope
        known = scope.pop(ERROR_KEY, None)
        if known is not None:
            error, error_type = known, type_name(known)
        route = route_template(scope)
        version = scope.get("http_version", "")
        answer = self._answers.of(
            scope["method"], route, exchange.status, error_type, scope.get("scheme", "http"), version
        )
        answer.record(seconds)
        if type(exchange.span) is LightSpan:
            self._spans.end(exchange.span, scope, answer, error)
