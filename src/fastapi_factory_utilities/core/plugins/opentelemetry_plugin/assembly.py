"""Puts telemetry together from the configuration: recorder, propagation, instruments, exports."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Final

from fastapi_factory_utilities.core.logs import add_context_provider
from fastapi_factory_utilities.core.plugins.abstracts import PluginContext
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import required  # noqa: F401 - says how to install it
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.config import OpenTelemetryConfig
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.environment import is_switched_off, with_environment
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting import Exporter, build_exporting
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.logs import LineExport, trace_context
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics import Metrics, build_metrics
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.owning import own_the_process
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.resource import make_resource
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.telemetry import SCOPE_NAME, OpenTelemetryTelemetry
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.attributes import Limits
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.propagation import Propagation
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.recorder import Keeping, Recorder
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.sampling import Sampling
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.sinks import SpanSink
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.tracer import LightTracerProvider
from fastapi_factory_utilities.core.redaction import register_secrets

# isort: split
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

__all__ = ["Assembly", "assemble"]

_DISTRIBUTION: Final = "fastapi-factory-utilities"


@dataclass(frozen=True, slots=True)
class Assembly:
    """What belongs together.

    Attributes:
        config: The section, with what the variables say where it is silent.
        resource: The service.
        recorder: Where spans come from.
        telemetry: What everybody else sees.
        exporter: What sends it away.
        metrics: Where instruments come from.
        lines: What gives log lines to the exporter; `None` if it is not to have them.
    """

    config: OpenTelemetryConfig
    resource: Resource
    recorder: Recorder
    telemetry: OpenTelemetryTelemetry
    exporter: Exporter
    metrics: Metrics
    lines: LineExport | None = None

    @asynccontextmanager
    async def running(self, context: PluginContext) -> AsyncIterator[None]:
        """Export while the body lasts, and name the current span in each log line."""
        if context.telemetry_slot.owns_process:
            own_the_process(self.telemetry)
        # An object of its own, so that taking it out leaves that of another application in this process.
        forget_ids = add_context_provider(partial(trace_context))
        try:
            with self.lines.running() if self.lines is not None else nullcontext():
                async with self.exporter.running(context.status):
                    yield
        finally:
            forget_ids()


def assemble(
    config: OpenTelemetryConfig, context: PluginContext, environ: Mapping[str, str], sinks: Sequence[SpanSink]
) -> Assembly | None:
    """Make the telemetry of an application; `None` if the environment switches it off.

    Args:
        config: The section.
        context: The application.
        environ: The `OTEL_*` variables.
        sinks: Who gets ended spans besides the exporter.
    """
    if is_switched_off(environ):
        return None
    config = with_environment(config, environ)
    register_secrets(value.get_secret_value() for value in config.headers.values())  # a variable's are known to nobody
    resource = make_resource(context.config.application, config)
    recorder = make_recorder(config, resource)
    for sink in sinks:
        recorder.add(sink)
    exporter = build_exporting(config, resource)
    if config.exports("traces"):
        recorder.add(exporter)
    metrics = build_metrics(config, resource, InstrumentationScope(SCOPE_NAME, version(_DISTRIBUTION)))
    metrics.push_through(exporter)
    lines = LineExport(exporter, resource, config.logs_config.level) if config.exports("logs") else None
    telemetry = OpenTelemetryTelemetry(
        LightTracerProvider(recorder),
        Propagation(config.propagators),
        instruments=metrics.instruments,
        meter_provider=metrics.provider,
    )
    return Assembly(config, resource, recorder, telemetry, exporter, metrics, lines)


def make_recorder(config: OpenTelemetryConfig, resource: Resource) -> Recorder:
    """Make the recorder that the section describes."""
    tracer = config.tracer_config
    return Recorder(
        resource,
        Sampling(tracer.sampling_ratio, tracer.sampler == "parentbased_ratio"),
        Limits(**tracer.limits.model_dump()),
        Keeping(tracer.keep.errors, int((tracer.keep.slow_seconds or 0) * 1e9)),
    )
