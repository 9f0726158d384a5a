"""The span of a request or session: begun from its headers, ended with its answer."""

import re
from collections.abc import MutableMapping, Sequence
from contextvars import Token
from typing import Any, Final

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.answers import Answer
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.attributes import RequestAttributes
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.telemetry import OpenTelemetryTelemetry
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.current import attach_span
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.failures import type_name
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.ids import new_span_id, new_trace_id
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.span import ERROR, LightSpan
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.unsampled import UnsampledSpan
from fastapi_factory_utilities.core.telemetry import SpanKind
from fastapi_factory_utilities.core.telemetry.scopes import ERROR_KEY, TRACE_ID_KEY

# isort: split
from opentelemetry.context import Context, get_current

__all__ = ["ServerSpans"]

_SERVER: Final = int(SpanKind.SERVER)

type Scope = MutableMapping[str, Any]


class ServerSpans:
    """Begins and ends them.

    Args:
        telemetry: Where they come from.
        excluded_urls: Requests to paths in which one of these is found are not recorded, nor is anything below them.
    """

    __slots__ = ("_attributes", "_begin", "_excluded", "_from_asgi")

    def __init__(self, telemetry: OpenTelemetryTelemetry, excluded_urls: Sequence[str] = ()) -> None:
        self._begin = telemetry.tracer.begin
        self._from_asgi = telemetry.propagation.from_asgi
        self._excluded = [re.compile(pattern).search for pattern in excluded_urls]
        self._attributes = RequestAttributes().of

    def excludes(self, scope: Scope) -> bool:
        """Say whether a request is one of those that leave no trace."""
        path: str = scope["path"]
        return any(search(path) for search in self._excluded)

    def begin(
        self, scope: Scope, name: str, *, excluded: bool = False
    ) -> tuple[LightSpan | UnsampledSpan, Token[Context]]:
        """Begin a span and make it the current one, so that whatever the request does is below it.

        Args:
            scope: The ASGI scope; log lines and error answers find the trace id in it from now on.
            name: The name as long as the route is not known.
            excluded: Record nothing, whatever the caller decided; the trace is passed on all the same.

        Returns:
            The span, and what `detach_span` needs.
        """
        parent, entries = incoming = self._from_asgi(scope["headers"])
        if excluded:
            trace_id = (parent is not None and parent.trace_id) or new_trace_id()
            span: LightSpan | UnsampledSpan = UnsampledSpan(trace_id, new_span_id(), 0, parent.state if parent else "")
        else:
            span = self._begin(name, _SERVER, parent)
        scope[TRACE_ID_KEY] = span.ids[0]
        scope[ERROR_KEY] = None
        return span, attach_span(span, None if entries is None else incoming.onto(get_current()))

    def end(self, span: LightSpan, scope: Scope, answer: Answer, error: BaseException | None) -> None:
        """End a recorded span.

        Args:
            span: The span.
            scope: The ASGI scope, after the application has seen it.
            answer: How it went.
            error: Why it failed, if an exception is known for that.
        """
        span.name = answer.name
        span.shared, own = self._attributes(scope, answer.shared)
        if span.own:  # what the service said of its request beats what we read
            own |= span.own
        span.own = own
        if answer.failed:
            span.status_code = ERROR
            if error is not None:
                # A backend that is away fails many requests; where that was noticed is the same each time.
                span.fail(type_name(error) if isinstance(error, BackendUnavailableError) else error)
        span.end()
