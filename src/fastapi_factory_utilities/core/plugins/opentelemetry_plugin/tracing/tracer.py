"""OpenTelemetry's `TracerProvider` and `Tracer`, making our spans."""

from collections.abc import Iterator, Sequence
from typing import Final

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.current import (
    attach_span,
    current_span,
    detach_span,
)
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.failures import type_name
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.identity import Identified, Parent, parent_of
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.recorder import Recorder
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.span import LightSpan
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.unsampled import UnsampledSpan

# isort: split
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.util._decorator import _agnosticcontextmanager  # the base class is declared with it
from opentelemetry.util.types import Attributes

__all__ = ["LightTracer", "LightTracerProvider"]

_NUMBERS: Final = {kind: number for number, kind in enumerate(trace.SpanKind)}


class LightTracer(trace.Tracer):
    """Makes the spans of one instrumentation.

    Args:
        recorder: What they belong to.
        scope: The instrumentation's name and version.
    """

    def __init__(self, recorder: Recorder, scope: InstrumentationScope) -> None:
        self.recorder = recorder
        self.scope = scope

    def begin(self, name: str, kind_number: int, parent: Identified | Parent | None) -> LightSpan | UnsampledSpan:
        """Begin a span the fast way: the decision to record it is taken before anything is known of it.

        Ask `is_recording()` before computing an attribute, and end it in every case. It is not made the current span.

        Args:
            name: Its name, of few different values.
            kind_number: Its kind, as `core.telemetry.SpanKind` numbers them.
            parent: What it descends from, such as `Propagation.from_asgi(headers).parent`; `None` begins a trace.
        """
        return self.recorder.begin(self.scope, name, kind_number, parent)

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: trace.SpanKind = trace.SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[trace.Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: ARG002, FBT001, FBT002 - OpenTelemetry's signature
        set_status_on_exception: bool = True,  # noqa: ARG002, FBT001, FBT002 - OpenTelemetry's signature
    ) -> trace.Span:
        """Begin a span as OpenTelemetry's API does; it is not made the current one."""
        found = current_span() if context is None else trace.get_current_span(context)
        span = self.recorder.begin(self.scope, name, _NUMBERS[kind], parent_of(found))
        if isinstance(span, LightSpan):
            if start_time is not None:
                span.start_time = start_time
            if attributes:
                span.set_attributes(attributes)
            for link in links or ():
                span.add_link(link.context, link.attributes)
        return span

    @_agnosticcontextmanager
    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: trace.SpanKind = trace.SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[trace.Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002 - OpenTelemetry's signature
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002 - OpenTelemetry's signature
        end_on_exit: bool = True,  # noqa: FBT001, FBT002 - OpenTelemetry's signature
    ) -> Iterator[trace.Span]:
        """Begin a span and make it the current one, as OpenTelemetry's API does."""
        span = self.start_span(name, context, kind, attributes, links, start_time)
        token = attach_span(span)
        try:
            yield span
        except Exception as error:
            if record_exception:
                span.record_exception(error)
            if set_status_on_exception:
                span.set_attribute("error.type", type_name(error))
                span.set_status(trace.StatusCode.ERROR)
            raise
        finally:
            detach_span(token)
            if end_on_exit:
                span.end()


class LightTracerProvider(trace.TracerProvider):
    """Hands out tracers, to our plugins and to instrumentations that others wrote.

    Args:
        recorder: What their spans belong to.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    @property
    def resource(self) -> Resource:
        """The service."""
        return self.recorder.resource

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> LightTracer:
        """Return the tracer of an instrumentation."""
        scope = InstrumentationScope(instrumenting_module_name, instrumenting_library_version, schema_url, attributes)
        return LightTracer(self.recorder, scope)
