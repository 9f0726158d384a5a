"""Metrics on their way to the collector."""

from time import monotonic, time_ns
from typing import Any

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.lane import Parcel
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.encoding import MetricEncoder
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.provider import LazyMeterProvider
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.registry import LightInstruments

__all__ = ["MetricSource"]


class MetricSource:
    """Collects ours and the SDK's once in a while, into one request. A `Source`.

    Args:
        instruments: Ours.
        provider: The SDK's.
        encoder: Encodes ours.
        interval_seconds: The time between two collections.
    """

    def __init__(
        self,
        instruments: LightInstruments,
        provider: LazyMeterProvider,
        encoder: MetricEncoder,
        *,
        interval_seconds: float,
    ) -> None:
        self._instruments = instruments
        self._provider = provider
        self._encoder = encoder
        self._interval = interval_seconds
        self._due_at = monotonic() + interval_seconds

    def due_at(self) -> float:
        """Say when the next collection is."""
        return self._due_at

    def take(self) -> Parcel | None:
        """Collect."""
        now = monotonic()
        if now >= self._due_at:  # else somebody flushes, and the beat stays
            self._due_at = max(self._due_at + self._interval, now)
        measured = self._instruments.measured()
        payload = self._encoder.encode(measured, time_ns())
        items = len(measured)
        theirs = self._provider.collect()
        if theirs is not None:
            more, count = _encoded(theirs)
            payload, items = payload + more, items + count  # messages that follow each other are one (protobuf)
        return Parcel(payload, items) if payload else None

    def has_more(self) -> bool:
        """One collection has everything."""
        return False

    def lost(self) -> int:
        """Nothing is lost: the next collection has it as well."""
        return 0

    def discard(self) -> int:
        """Likewise."""
        return 0


def _encoded(data: Any) -> tuple[bytes, int]:  # noqa: ANN401 - the SDK's `MetricsData`
    # In a thread of its own and only where somebody uses the SDK: the import costs 200 ms.
    from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics  # noqa: PLC0415 - see above

    count = sum(len(scope.metrics) for resource in data.resource_metrics for scope in resource.scope_metrics)
    return encode_metrics(data).SerializeToString(), count
