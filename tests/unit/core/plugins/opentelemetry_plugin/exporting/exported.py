"""Spans, and what sends them, for the tests of this folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.resources import Resource

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryConfig
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting import COMPONENT, Exporter, build_exporting
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.recorder import Recorder
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.tracer import LightTracer, LightTracerProvider
from fastapi_factory_utilities.core.services.status import ComponentState, StatusService
from fastapi_factory_utilities.testing.otlp import OtlpCollector

RESOURCE = Resource({"service.name": "books", "replicas": 3}, "https://schema.example/1")


@dataclass
class Service:
    """One that makes spans and exports them."""

    exporter: Exporter
    tracer: LightTracer
    status: StatusService

    @property
    def collector(self) -> ComponentState:
        """The collector's health."""
        return self.status.components[COMPONENT]

    def make_spans(self, number: int, name: str = "work") -> None:
        """Make some spans."""
        for _ in range(number):
            self.tracer.start_span(name).end()


def config_for(collector: OtlpCollector, protocol: str, **more: Any) -> OpenTelemetryConfig:
    """Configure exports to a collector."""
    endpoint = collector.grpc_endpoint if protocol == "otlp_grpc" else collector.http_endpoint
    return OpenTelemetryConfig(**{"endpoint": endpoint, "protocol": protocol, "closing_timeout": 1.0, **more})


@asynccontextmanager
async def exporting(config: OpenTelemetryConfig) -> AsyncIterator[Service]:
    """Run what exports, metrics apart."""
    exporter, recorder, status = build_exporting(config, RESOURCE), Recorder(RESOURCE), StatusService()
    recorder.add(exporter)
    async with exporter.running(status):
        yield Service(exporter, LightTracerProvider(recorder).get_tracer("tests", "1.0"), status)
