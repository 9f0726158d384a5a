"""All that one application measures."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi_factory_utilities.core.plugins.extras import require_extra
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.config import OpenTelemetryConfig
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.exporter import Exporter
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.target import Signal
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.encoding import MetricEncoder
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.endpoint import MetricsEndpoint
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.foreign import measured_by_sdk
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.provider import LazyMeterProvider
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.registry import LightInstruments
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.source import MetricSource

__all__ = ["Metrics"]

_MessageT = MutableMapping[str, Any]
_ASGIApp = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[_MessageT]], Callable[[_MessageT], Awaitable[None]]],
    Awaitable[None],
]


class Metrics:
    """Makes instruments, pushes what they measured, and shows it.

    Args:
        config: The section, variables included.
        resource: Whose they are: an OpenTelemetry `Resource`.
        scope: Who measures: an OpenTelemetry `InstrumentationScope`.

    Attributes:
        instruments: Where ours come from.
        provider: Where the SDK's come from.
    """

    def __init__(self, config: OpenTelemetryConfig, resource: Any, scope: Any) -> None:  # noqa: ANN401 - the SDK's
        self._config = config.meter_config
        self._is_pushed = config.exports("metrics")
        self._resource = resource
        self._scope = scope
        self.instruments: LightInstruments = LightInstruments()
        self.provider: LazyMeterProvider = LazyMeterProvider(resource)

    def push_through(self, exporter: Exporter) -> None:
        """Have an exporter send them, if the section says so; before it runs."""
        if self._is_pushed:
            encoder = MetricEncoder(self._resource, self._scope, self.instruments.started_at)
            interval = self._config.reader_interval_millis / 1000
            source = MetricSource(self.instruments, self.provider, encoder, interval_seconds=interval)
            # A push that fails is not worth repeating for long: the next one says the same, and more.
            patience = min(self._config.reader_timeout_millis / 1000, interval)
            exporter.add(Signal.METRICS, source, patience_seconds=patience)

    def wrap_asgi(self, app: _ASGIApp) -> _ASGIApp:
        """Put `/metrics` before an application, if the section says so.

        Raises:
            MissingExtraError: prometheus_client is not installed.
        """
        if not self._config.pull:
            return app
        require_extra("otel", "prometheus_client")
        from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.openmetrics import (  # noqa: PLC0415 - 40 ms, for those who pull
            render,
        )

        def answer(accept: str) -> tuple[bytes, str]:
            measured = [*self.instruments.measured(), *measured_by_sdk(self.provider.collect())]
            return render(measured, self.instruments.started_at, self._resource.attributes, accept)

        return MetricsEndpoint(app, self._config.pull_path, answer)
