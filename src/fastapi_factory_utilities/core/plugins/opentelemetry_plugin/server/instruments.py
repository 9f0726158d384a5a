"""What is measured of requests (HTTP semantic conventions, stable).

https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#http-server
"""

from collections.abc import Callable, Mapping
from typing import Final

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.instruments import LightCounter, LightHistogram
from fastapi_factory_utilities.core.telemetry import AttributeValue, Telemetry

__all__ = ["BUCKETS", "ActiveRequests", "recorder_of"]

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Upper bounds in seconds, those that the conventions ask for."""


type Take = Callable[[float], None]
type Attributes = Mapping[str, AttributeValue]


def recorder_of(telemetry: Telemetry) -> Callable[[Attributes], Take]:
    """Return what makes, for the attributes of a duration, the function that takes its seconds."""
    histogram = telemetry.histogram(
        "http.server.request.duration", unit="s", description="Duration of HTTP server requests.", buckets=BUCKETS
    )
    return histogram.bind if isinstance(histogram, LightHistogram) else lambda _attributes: _nowhere


class ActiveRequests:
    """How many requests are being served, counted by the thread of the event loop alone.

    Args:
        telemetry: Where the counter comes from.
    """

    __slots__ = ("_counter",)

    def __init__(self, telemetry: Telemetry) -> None:
        counter = telemetry.up_down_counter(
            "http.server.active_requests", unit="{request}", description="Number of active HTTP server requests."
        )
        self._counter = counter if isinstance(counter, LightCounter) else None

    def of(self, method: str, scheme: str) -> list[float]:
        """Return the count of one kind of requests, as a list of one number to add to.

        Args:
            method: As attributes call it.
            scheme: Of the URL.
        """
        return (
            [0]
            if self._counter is None
            else self._counter.series({"http.request.method": method, "url.scheme": scheme})
        )


def _nowhere(_amount: float) -> None:
    """Measure nothing."""
