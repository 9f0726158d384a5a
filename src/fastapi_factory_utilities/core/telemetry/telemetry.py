"""`Telemetry`: where spans and instruments come from; by itself, nowhere."""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final

from fastapi_factory_utilities.core.telemetry.instruments import NO_COUNTER, NO_HISTOGRAM, Counter, Histogram
from fastapi_factory_utilities.core.telemetry.spans import NO_SPAN, AttributeValue, Span, SpanKind, SpanScope

__all__ = ["NO_TELEMETRY", "AttributeValue", "Telemetry", "TelemetrySlot"]

_NO_SCOPE: Final = SpanScope()


class Telemetry:
    """Makes spans and instruments, and carries traces from one process to the next; this one does nothing.

    ::

        with telemetry.span("send invoice", SpanKind.CLIENT, {"server.address": host}) as span:
            telemetry.inject(headers)
            ...
            span.set_attribute("http.response.status_code", 200)

    Attributes:
        active: Whether anything is recorded anywhere; where it is false, whole branches may be left out.
        tracer_provider: OpenTelemetry's `TracerProvider`, for instrumentations that others wrote; `None` without one.
        meter_provider: Likewise its `MeterProvider`.
    """

    active: bool = False
    tracer_provider: Any = None
    meter_provider: Any = None

    def span(
        self,
        name: str,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, AttributeValue] | None = None,
        *,
        parent: Mapping[str, Any] | None = None,
        links: Sequence[Mapping[str, Any]] = (),
    ) -> SpanScope:
        """Begin a span when the returned scope is entered.

        Args:
            name: Its name, of few different values: a template, not a path.
            kind: Its role between services.
            attributes: What is known before; only these reach the sampler.
            parent: The headers of the message or request that caused it, as `inject` wrote them; by default the current
                span is the parent.
            links: The same of others that it has to do with.
        """
        return _NO_SCOPE

    def shared(self, attributes: Mapping[str, AttributeValue]) -> Mapping[str, AttributeValue]:
        """Return attributes for many spans, made ready once: `span(name, attributes=shared)` then costs less.

        Args:
            attributes: Of few different values, and without a secret; they are not changed afterwards.
        """
        return attributes

    def current(self) -> Span:
        """Return the current span."""
        return NO_SPAN

    def inject(self, carrier: MutableMapping[str, Any]) -> None:
        """Write the current trace (and baggage) into headers, for the next process."""

    def ids(self) -> tuple[str, str] | None:
        """Return trace id and span id of the current span, in hexadecimal; `None` outside of any."""
        return None

    def add_span_sink(self, sink: Any) -> Callable[[], None]:  # noqa: ANN401 - see the argument
        """Hand every span that was sampled and has ended to a sink, from now on.

        Args:
            sink: An object with `on_end(span)`, where the span can be read like one of OpenTelemetry's SDK. It is
                called in the thread in which the span ended: it must be quick, and must not raise.

        Returns:
            A function that takes the sink out again.
        """
        return _nothing

    def owns_current(self) -> bool:
        """Say whether the current span is one of this telemetry's, and not another application's."""
        return False

    def counter(self, name: str, *, unit: str = "1", description: str = "") -> Counter:
        """Return the counter of this name; it only goes up."""
        return NO_COUNTER

    def up_down_counter(self, name: str, *, unit: str = "1", description: str = "") -> Counter:
        """Return the counter of this name that goes down as well."""
        return NO_COUNTER

    def histogram(
        self, name: str, *, unit: str = "s", description: str = "", buckets: Sequence[float] | None = None
    ) -> Histogram:
        """Return the histogram of this name.

        Args:
            name: Its name.
            unit: What is measured, in UCUM.
            description: What it says, for people.
            buckets: The upper bounds of its buckets; by default the conventions' for durations in seconds.
        """
        return NO_HISTOGRAM


def _nothing() -> None:
    """Take nothing out: nothing was put in."""


NO_TELEMETRY: Final = Telemetry()


class TelemetrySlot:
    """Holds an application's telemetry; the plugin that has one fills it in before anything starts.

    Attributes:
        current: The telemetry.
        owns_process: Whether the process is this application's alone, so that its telemetry may be the process's; never
            in tests, which run several.
    """

    __slots__ = ("current", "owns_process")

    def __init__(self) -> None:
        self.current: Telemetry = NO_TELEMETRY
        self.owns_process: bool = False
