"""Sends ended spans, metrics and log lines to a collector, without ever making the service wait."""

from typing import Any

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.config import OpenTelemetryConfig
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.exporter import COMPONENT, Exporter
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.target import Signal

__all__ = ["COMPONENT", "Exporter", "Signal", "build_exporting"]


def build_exporting(config: OpenTelemetryConfig, resource: Any) -> Exporter:  # noqa: ANN401 - the SDK's or one like it
    """Make what exports the telemetry of one application; nothing is opened before its `running`.

    Args:
        config: The section, variables included.
        resource: Whose telemetry it is.
    """
    return Exporter(config, resource)
