"""OpenTelemetry's `MeterProvider`, for instrumentations and services that want its whole API."""

import threading
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import required  # noqa: F401 - says how to install it

# isort: split
from opentelemetry import metrics

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData

__all__ = ["LazyMeterProvider"]


class LazyMeterProvider(metrics.MeterProvider):
    """The SDK's provider, made when somebody asks for a meter: importing it costs 170 ms that few services need.

    Args:
        resource: An OpenTelemetry `Resource`.
    """

    def __init__(self, resource: Any) -> None:  # noqa: ANN401 - the SDK's, which is not imported for it
        self._resource = resource
        self._lock = threading.Lock()
        self._made: tuple[MeterProvider, InMemoryMetricReader] | None = None
        self._ended = False

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Any = None,  # noqa: ANN401 - OpenTelemetry's signature
    ) -> metrics.Meter:
        """Return a meter; after the service's stop, one that measures nothing."""
        if self._ended:
            return metrics.NoOpMeter(name, version, schema_url)
        with self._lock:
            if self._made is None:
                self._made = self._make()
        return self._made[0].get_meter(name, version, schema_url, attributes)

    def collect(self) -> "MetricsData | None":
        """Say what was measured so far; `None` if that is nothing."""
        made = self._made
        return None if made is None or self._ended else made[1].get_metrics_data()

    def force_flush(self, timeout_millis: float = 10_000) -> bool:  # noqa: ARG002 - the SDK's signature
        """Do nothing: measurements are collected by whoever sends or shows them."""
        return True

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """End it; what was measured last has to be collected before."""
        with self._lock:
            made, self._made, self._ended = self._made, None, True
        if made is not None:
            made[0].shutdown(timeout_millis)

    def _make(self) -> "tuple[MeterProvider, InMemoryMetricReader]":
        from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - see the class
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: PLC0415 - see the class

        reader = InMemoryMetricReader()
        return MeterProvider([reader], self._resource, shutdown_on_exit=False), reader
