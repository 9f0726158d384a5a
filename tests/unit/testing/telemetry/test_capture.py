"""Spans of a real application, kept in memory."""

import pytest

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryPlugin, trace_span
from fastapi_factory_utilities.core.telemetry import SpanKind
from fastapi_factory_utilities.testing.running import running_app
from fastapi_factory_utilities.testing.telemetry import SpanCapture

SECTIONS = {
    "application": {
        "service_namespace": "tests",
        "service_name": "capture",
        "description": "",
        "version": "1",
        "environment": "production",
    },
    "opentelemetry": {"exporter": "none"},
}


class App(ApplicationAbstract[RootConfig]):
    PACKAGE_NAME = "tests"

    def configure(self) -> None:
        @self.get_asgi_app().get("/books")
        async def read() -> None:
            with trace_span("find books"):
                pass


def build(*plugins: OpenTelemetryPlugin) -> App:
    return ApplicationGenericBuilder(application_class=App, plugins=list(plugins)).add_config(SECTIONS).build()


async def test_a_capture_among_the_sinks_hears_everything(span_capture: SpanCapture) -> None:
    async with running_app(build(OpenTelemetryPlugin(sinks=[span_capture]))) as client:
        await client.get("/books")
        await span_capture.story("GET /books [kind=server, http.response.status_code=200] > find books")
    assert span_capture.one("GET /books").kind is SpanKind.SERVER
    assert span_capture.one("find books").resource["service.name"] == "capture"


async def test_an_application_that_is_built_already_is_listened_to_for_a_while(span_capture: SpanCapture) -> None:
    app = build(OpenTelemetryPlugin())
    async with running_app(app) as client:
        with span_capture.of(app) as capture:
            await client.get("/books")
        await client.get("/books")
    capture.assert_story("GET /books > find books")


def test_an_application_without_telemetry_says_what_to_do(span_capture: SpanCapture) -> None:
    with pytest.raises(LookupError, match="give it an OpenTelemetryPlugin"), span_capture.of(build()):
        pass
