"""The plugin in real applications, without a collector."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any, cast
from uuid import uuid4

import pytest
from fastapi import HTTPException
from httpx import ASGITransport, AsyncClient
from opentelemetry import trace

from fastapi_factory_utilities.core.app import ConfigBuilderError
from fastapi_factory_utilities.core.logs.context import surroundings
from fastapi_factory_utilities.core.plugins import PluginAbstract, opentelemetry_plugin
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import (
    CurrentTelemetry,
    MemorySpans,
    MeterProvider,
    OpenTelemetryConfig,
    OpenTelemetryPlugin,
    TracerProvider,
    depends_telemetry,
    depends_tracer_provider,
    trace_span,
)
from fastapi_factory_utilities.core.redaction import redact
from fastapi_factory_utilities.core.telemetry import NO_TELEMETRY
from fastapi_factory_utilities.testing.conformance import PluginConformance
from fastapi_factory_utilities.testing.conformance.plugin import PLANTED
from fastapi_factory_utilities.testing.conformance.stage import build
from fastapi_factory_utilities.testing.ports import ReservedPort
from fastapi_factory_utilities.testing.running import lifespan

_QUIET = {"exporter": "none"}


class TestOpenTelemetryPlugin(PluginConformance):
    """It is a plugin like any other."""

    def make_plugin(self) -> OpenTelemetryPlugin:
        return OpenTelemetryPlugin(environ={})

    def make_config(self, uri: str) -> dict[str, object]:
        return dict(_QUIET)

    def make_bad_configs(self) -> list[Mapping[str, Any]]:
        return [
            {"endpoint": f"http://me:{PLANTED}@collector:4318"},
            {"endpoint": f"http://{PLANTED}@collector:4318"},
            {"endpoint": f"http://collector:4318?token={PLANTED}"},
            {"endpoint": PLANTED},
            {"protocol": PLANTED},
            {"tracer_config": {"sampling_ratio": PLANTED}},
            {"tracer_config": {"max_queue_size": 1}},
            {"excluded_urls": f"({PLANTED}"},
            {"propagators": PLANTED},
            {"client_certfile": PLANTED},
        ]

    async def check_running(self, application: Any) -> None:
        await super().check_running(application)
        app = application.get_asgi_app()
        assert depends_telemetry.of(app) is application.telemetry_slot.current
        assert depends_tracer_provider.of(app) is depends_telemetry.of(app).tracer_provider
        assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider), "no global is set in tests"


def test_every_promised_name_is_there_and_the_promise_is_sorted() -> None:
    promised = list(opentelemetry_plugin.__all__)
    assert promised == sorted(promised)
    for name in promised:
        assert getattr(opentelemetry_plugin, name) is not None
    with pytest.raises(AttributeError, match="nowhere"):
        _ = opentelemetry_plugin.nowhere


@pytest.mark.parametrize("off", [{"activate": False}, {"enabled": "no"}])
def test_it_can_be_switched_off_by_either_name(off: dict[str, object]) -> None:
    application = build([OpenTelemetryPlugin()], {"opentelemetry": off})
    assert not application.plugins
    assert application.telemetry_slot.current is NO_TELEMETRY


async def test_the_environment_can_switch_it_off_and_says_the_rest() -> None:
    off = build([OpenTelemetryPlugin(environ={"OTEL_SDK_DISABLED": "true"})], {"opentelemetry": _QUIET})
    async with lifespan(off):
        assert off.telemetry_slot.current is NO_TELEMETRY
    memory = MemorySpans()
    named = OpenTelemetryPlugin(sinks=[memory], environ={"OTEL_SERVICE_NAME": "shop"})
    application = build([named], {"opentelemetry": {**_QUIET, "resource_attributes": {"team": "a"}}})
    with application.telemetry_slot.current.span("x"):
        pass
    attributes = memory.spans[0].resource.attributes
    known = application.get_config().application
    assert (attributes["service.name"], attributes["team"]) == ("shop", "a")
    assert attributes["service.namespace"] == known.service_namespace
    assert attributes["service.version"] == known.version
    assert attributes["deployment.environment.name"] == known.environment.value
    assert attributes["service.instance.id"]


@pytest.mark.parametrize(
    ("section", "environ"),
    [({"enabled": False}, {}), (_QUIET, {"OTEL_SDK_DISABLED": "true"})],
    ids=["section", "variable"],
)
async def test_no_route_fails_because_telemetry_is_switched_off(
    section: dict[str, object], environ: dict[str, str]
) -> None:
    application = build([OpenTelemetryPlugin(environ=environ)], {"opentelemetry": section})

    @application.get_asgi_app().get("/visits")
    async def visits(telemetry: CurrentTelemetry, tracers: TracerProvider, meters: MeterProvider) -> bool:
        meters.get_meter("mine").create_counter("visits").add(1)
        with telemetry.span("count"), tracers.get_tracer("mine").start_as_current_span("x") as span:
            return span.is_recording()

    transport = ASGITransport(application, raise_app_exceptions=False)
    async with lifespan(application), AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/visits")
    assert (answer.status_code, answer.json()) == (200, False)


def test_a_token_from_the_environment_is_masked_like_one_from_the_configuration() -> None:
    token = f"token-{uuid4().hex}"
    environ = {"OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{token}"}
    build([OpenTelemetryPlugin(environ=environ)], {"opentelemetry": _QUIET})
    assert token not in redact(f"sent with Bearer {token}")


def test_a_wrong_endpoint_is_told_in_whole_sentences() -> None:
    with pytest.raises(ConfigBuilderError, match="a host and a port, such as http://localhost:4318"):
        build([OpenTelemetryPlugin(environ={})], {"opentelemetry": {"endpoint": "a host and a port"}})


class _Late(PluginAbstract):
    """Has something to tell at its very start and end."""

    async def on_startup(self) -> None:
        with trace_span("start"):
            pass

    async def on_shutdown(self) -> None:
        with trace_span("stop"):
            pass


async def test_it_is_there_before_others_start_and_after_they_stopped_wherever_it_is_listed() -> None:
    memory = MemorySpans()
    application = build([_Late(), OpenTelemetryPlugin(sinks=[memory], environ={})], {"opentelemetry": _QUIET})
    async with lifespan(application):
        pass
    assert [span.name for span in memory.spans] == ["start", "stop"]


async def test_routes_get_telemetry_as_parameters_and_its_section_says_what_is_kept() -> None:
    memory = MemorySpans()
    tracer_config = {"sampling_ratio": 0, "keep": {"errors": True}, "limits": {"attributes": 1}}
    application = build(
        [OpenTelemetryPlugin(sinks=[memory], environ={})],
        {"opentelemetry": {**_QUIET, "tracer_config": tracer_config}},
    )

    @application.get_asgi_app().get("/visits")
    async def visits(
        telemetry: CurrentTelemetry, tracer_provider: TracerProvider, meter_provider: MeterProvider, *, good: bool
    ) -> None:
        meter_provider.get_meter("mine").create_counter("visits").add(1)
        with telemetry.span("count", attributes={"a": 1}), tracer_provider.get_tracer("mine").start_span("x") as span:
            span.set_attributes({"a": 1, "b": 2})
            if not good:
                raise HTTPException(503)

    transport = ASGITransport(application, raise_app_exceptions=False)
    async with lifespan(application), AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/visits?good=1")).status_code == 200
        assert not memory.spans, "it was not sampled, and went well"
        assert (await client.get("/visits?good=0")).status_code == 503
    x, count, server = memory.spans
    assert [x.name, count.name, server.name] == ["x", "count", "GET /visits"]
    assert (x.parent_id, count.parent_id) == (count.span_id, server.span_id)
    assert (x.attributes, x.instrumentation_scope.name) == ({"a": 1}, "mine")


async def test_a_second_start_measures_as_the_first_and_another_applications_stop_takes_nothing_away() -> None:
    sections = {"opentelemetry": {**_QUIET, "meter_config": {"pull": True}}}
    application, other = (build([OpenTelemetryPlugin(environ={})], sections) for _ in range(2))
    telemetry = application.telemetry_slot.current
    for count in 1, 2:
        async with (
            lifespan(application),
            AsyncClient(transport=ASGITransport(application), base_url="http://test") as client,
        ):
            telemetry.meter_provider.get_meter("mine").create_counter("theirs").add(1)
            telemetry.counter("ours").add(1)
            told = (await client.get("/metrics")).text.splitlines()
            assert {f"ours_total {count}.0", f"theirs_total {count}.0"} <= set(told)
            async with lifespan(other):
                pass
            with telemetry.span("x"):
                assert surroundings()["trace_id"] == cast("Any", telemetry.ids())[0]
    assert "trace_id" not in surroundings()


def test_what_its_section_says_of_the_collector() -> None:
    assert not OpenTelemetryConfig().is_grpc
    assert OpenTelemetryConfig().endpoint_of("traces") == "http://localhost:4318/v1/traces"
    assert OpenTelemetryConfig(endpoint="https://c:4317").is_grpc
    assert not OpenTelemetryConfig(endpoint="https://c:4317", protocol="otlp_http").is_grpc
    assert OpenTelemetryConfig(protocol="otlp_grpc").endpoint_of("metrics") == "http://localhost:4318"


def test_in_a_process_of_its_own_opentelemetrys_global_api_leads_here() -> None:
    program = """
import os, signal
from opentelemetry import metrics, trace
from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import MemorySpans, OpenTelemetryPlugin

early = trace.get_tracer("early")
memory = MemorySpans()

class App(ApplicationAbstract):
    async def on_startup(self):
        with early.start_as_current_span("a"), trace.get_tracer("late").start_as_current_span("b"):
            pass
        assert metrics.get_meter_provider() is self.telemetry_slot.current.meter_provider
        os.kill(os.getpid(), signal.SIGTERM)

builder = ApplicationGenericBuilder(application_class=App, plugins=[OpenTelemetryPlugin(sinks=[memory])])
names = {"service_namespace": "shop", "service_name": "shop", "description": "Sells.", "version": "1"}
builder.add_config({
    "application": {**names, "environment": "production"},
    "server": {"host": "127.0.0.1", "port": PORT, "drain_seconds": 0},
    "opentelemetry": {"exporter": "none"},
}).build_and_serve()
assert [span.name for span in memory.spans] == ["b", "a"], memory.spans
"""
    port = ReservedPort()
    program = program.replace("PORT", str(port.port))
    try:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    finally:
        port.release()
    assert done.returncode == 0, done.stderr + done.stdout
