"""`LightScope`: one of our spans as a context manager."""

from collections.abc import Mapping, Sequence
from contextvars import Token
from types import TracebackType
from typing import Any

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.attributes import SharedAttributes
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.current import (
    attach_span,
    current_context,
    current_span,
    detach_span,
)
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.identity import Identified, parent_of
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.propagation import Propagation
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.span import LightSpan
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.tracer import LightTracer
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.unsampled import UnsampledSpan
from fastapi_factory_utilities.core.telemetry import AttributeValue, Span, SpanKind, SpanScope

# isort: split
from opentelemetry.context import Context

__all__ = ["LightScope"]


class LightScope(SpanScope):
    """One span, from entering to leaving."""

    __slots__ = ("_attributes", "_kind", "_links", "_name", "_parent", "_propagation", "_span", "_token", "_tracer")

    _span: LightSpan | UnsampledSpan
    _token: Token[Context] | None

    def __init__(
        self,
        tracer: LightTracer,
        propagation: Propagation,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, AttributeValue] | None,
        parent: Mapping[str, Any] | None,
        links: Sequence[Mapping[str, Any]],
    ) -> None:
        self._tracer = tracer
        self._propagation = propagation
        self._name = name
        self._kind = kind
        self._attributes = attributes
        self._parent = parent
        self._links = links

    def __enter__(self) -> Span:
        """Begin it, and make it the current one."""
        current = current_span()
        origin = current if isinstance(current, Identified) else parent_of(current)
        base: Context | None = None
        if self._parent is not None:
            incoming = self._propagation.extract(self._parent)
            if incoming.parent is not None:
                origin = incoming.parent
            base = incoming.onto(current_context())
        tracer = self._tracer
        span = self._span = tracer.recorder.begin(tracer.scope, self._name, self._kind, origin)
        # Below a span that is not recorded there is only that one, and it is the current one already.
        self._token = None if span is current and base is None else attach_span(span, base)
        if type(span) is LightSpan:
            if type(self._attributes) is SharedAttributes:
                span.shared = self._attributes
            elif self._attributes:
                span.set_attributes(self._attributes)
            for carrier in self._links:
                linked = self._propagation.extract(carrier).parent
                if linked is not None:
                    span.add_link(linked.context())
        return span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """End it; an exception fails it."""
        span = self._span
        if isinstance(error, Exception):  # to be cancelled or told to stop is none
            span.fail(error)
        if self._token is not None:
            detach_span(self._token)
            span.end()
