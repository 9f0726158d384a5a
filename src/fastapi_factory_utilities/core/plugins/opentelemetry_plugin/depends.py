"""Telemetry as route parameters: `async def visits(tracer_provider: TracerProvider)`."""

from typing import Annotated

from fastapi import Depends

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import required  # noqa: F401 - says how to install it
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.provided import (
    depends_meter_provider,
    depends_telemetry,
    depends_tracer_provider,
)
from fastapi_factory_utilities.core.telemetry import Telemetry

# isort: split
from opentelemetry import metrics, trace

__all__ = ["CurrentTelemetry", "MeterProvider", "TracerProvider"]

CurrentTelemetry = Annotated[Telemetry, Depends(depends_telemetry)]
TracerProvider = Annotated[trace.TracerProvider, Depends(depends_tracer_provider)]
MeterProvider = Annotated[metrics.MeterProvider, Depends(depends_meter_provider)]
