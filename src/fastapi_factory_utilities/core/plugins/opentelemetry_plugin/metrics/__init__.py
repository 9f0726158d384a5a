"""Counters and histograms of ours and of OpenTelemetry's SDK, pushed and pulled together."""

from typing import Any

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.config import OpenTelemetryConfig
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.metrics import Metrics
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.registry import LightInstruments

__all__ = ["LightInstruments", "Metrics", "build_metrics"]


def build_metrics(config: OpenTelemetryConfig, resource: Any, scope: Any) -> Metrics:  # noqa: ANN401 - the SDK's
    """Make the metrics of one application; nothing is opened.

    Args:
        config: The section, variables included.
        resource: Whose they are: an OpenTelemetry `Resource`.
        scope: Who measures: an OpenTelemetry `InstrumentationScope`.
    """
    return Metrics(config, resource, scope)
