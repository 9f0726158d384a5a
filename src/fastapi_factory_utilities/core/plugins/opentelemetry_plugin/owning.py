"""Leads OpenTelemetry's global API here, in a process that is this application's alone."""

from typing import Any

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import required  # noqa: F401 - says how to install it

# isort: split
from opentelemetry import metrics, trace
from opentelemetry.metrics import _internal as metrics_internal  # the proxy has no public name

__all__ = ["own_the_process"]

_log = get_logger(__name__)


def own_the_process(telemetry: Any) -> None:  # noqa: ANN401 - a `Telemetry` with OpenTelemetry's providers
    """Make `trace.get_tracer()` and `metrics.get_meter()` use an application's providers.

    Can be done once in a process; where somebody else has done it (automatic instrumentation), it stays as it is.
    """
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        trace.set_tracer_provider(telemetry.tracer_provider)
    elif trace.get_tracer_provider() is not telemetry.tracer_provider:
        _log.debug("global tracer provider kept", provider=type(trace.get_tracer_provider()).__name__)
    if telemetry.meter_provider is None:
        return
    if isinstance(metrics.get_meter_provider(), metrics_internal._ProxyMeterProvider):  # noqa: SLF001 - see the import
        metrics.set_meter_provider(telemetry.meter_provider)
