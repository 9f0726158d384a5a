"""What telemetry is told of outgoing calls, and what the next service is."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from aiohttp import web
from fastapi import Depends

from fastapi_factory_utilities.core.plugins.aiohttp import (
    AioHttpClientError,
    AioHttpClientResource,
    AioHttpPlugin,
    AioHttpResourceDepends,
    HttpServiceDependencyConfig,
)
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryConfig, OpenTelemetryPlugin
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.sinks import MemorySpans
from fastapi_factory_utilities.core.telemetry import AttributeValue, Histogram, SpanKind, Telemetry
from fastapi_factory_utilities.testing import running_app
from fastapi_factory_utilities.testing.conformance.stage import build
from fastapi_factory_utilities.testing.running import lifespan
from tests.integration.aiohttp.conftest import Service


@asynccontextmanager
async def told(service: Service, spans: MemorySpans, **entry: Any) -> AsyncIterator[AioHttpClientResource]:
    """Run an application with telemetry, which calls the service."""
    config = OpenTelemetryConfig.model_validate({"exporter": "none"})
    plugins = [AioHttpPlugin(), OpenTelemetryPlugin(config, sinks=[spans], environ={})]
    entry = {"url": service.url, "retry": {"backoff_seconds": 0.001}, **entry}
    app = build(plugins, {"dependencies": {"http": {"books": entry}}})
    async with lifespan(app):
        yield AioHttpResourceDepends("books").of(app.get_asgi_app())


async def test_each_attempt_is_one_span_with_the_conventional_attributes(service: Service) -> None:
    spans = MemorySpans()
    service.answers(503, 200)
    async with told(service, spans) as resource, resource.acquire_client_session() as session:
        await session.get("users/1", params={"token": "planted"})

    first, second = spans.spans
    host, port = service.url.removeprefix("http://").split(":")
    shared = {
        "http.request.method": "GET",
        "server.address": host,
        "server.port": int(port),
        "url.full": f"{service.url}/users/1?token=REDACTED",
        "network.protocol.version": "1.1",
    }
    assert dict(first.attributes) == {**shared, "http.response.status_code": 503, "error.type": "503"}
    assert dict(second.attributes) == {**shared, "http.response.status_code": 200, "http.request.resend_count": 1}
    assert [span.name for span in (first, second)] == ["GET", "GET"]
    assert {span.kind.name for span in (first, second)} == {SpanKind.CLIENT.name}


async def test_the_next_services_parent_is_the_attempts_span(service: Service) -> None:
    spans = MemorySpans()
    service.answers(503, 200)
    async with told(service, spans) as resource, resource.acquire_client_session() as session:
        await session.get("", headers={"X-Mine": "1"})

    parents = [request.headers["traceparent"].split("-")[2] for request in service.asked]
    assert parents == [f"{span.context.span_id:016x}" for span in spans.spans]
    assert [request.headers["X-Mine"] for request in service.asked] == ["1", "1"]


async def test_an_attempt_without_an_answer_fails_its_span_and_tells_no_secret(service: Service) -> None:
    spans = MemorySpans()

    async def drop(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    service.answer = drop
    async with told(service, spans, retry={"attempts": 2}) as resource, resource.acquire_client_session() as session:
        with pytest.raises(AioHttpClientError):
            await session.get("?token=planted")

    assert len(spans.spans) == len(service.asked) == 2
    for span in spans.spans:
        assert span.attributes is not None
        assert str(span.attributes["error.type"]).endswith("AioHttpClientConnectionError")
        assert "planted" not in f"{dict(span.attributes)} {[dict(event.attributes or {}) for event in span.events]}"


class Measured(Telemetry):
    """Telemetry that keeps what is measured."""

    active = True

    def __init__(self) -> None:
        self.kept: list[tuple[str, dict[str, AttributeValue]]] = []

    def histogram(self, name: str, **_: Any) -> Histogram:
        kept = self.kept

        class Keeping(Histogram):
            def record(self, amount: float, attributes: Mapping[str, AttributeValue] | None = None) -> None:
                assert 0 < amount < 5
                kept.append((name, dict(attributes or {})))

        return Keeping()


async def test_each_attempt_is_measured(service: Service) -> None:
    measured = Measured()
    service.answers(503, 200)
    config = HttpServiceDependencyConfig.model_validate({"url": service.url, "retry": {"backoff_seconds": 0.001}})
    async with (
        AioHttpClientResource(
            "books", HttpServiceDependencyConfig.model_validate(config), telemetry=measured
        ) as resource,
        resource.acquire_client_session() as session,
    ):
        await session.get("users/1")
        await session.request("PURGE", "users/1")

    assert {name for name, _ in measured.kept} == {"http.client.request.duration"}
    host, port = service.url.removeprefix("http://").split(":")
    shared = {"server.address": host, "server.port": int(port), "url.scheme": "http", "network.protocol.version": "1.1"}
    assert [attributes for _, attributes in measured.kept] == [
        {**shared, "http.request.method": "GET", "http.response.status_code": 503, "error.type": "503"},
        {**shared, "http.request.method": "GET", "http.response.status_code": 200},
        {**shared, "http.request.method": "_OTHER", "http.response.status_code": 200},
    ]


async def test_a_call_made_for_a_request_is_a_child_of_its_span(service: Service) -> None:
    spans = MemorySpans()
    config = OpenTelemetryConfig.model_validate({"exporter": "none"})
    app = build(
        [AioHttpPlugin(), OpenTelemetryPlugin(config, sinks=[spans], environ={})],
        {"dependencies": {"http": {"books": {"url": service.url}}}},
    )

    @app.get_asgi_app().get("/book")
    async def book(books: Annotated[AioHttpClientResource, Depends(AioHttpResourceDepends("books"))]) -> Any:
        async with books.acquire_client_session() as session, session.get("1") as response:
            return await response.json()

    async with running_app(app) as caller:
        await caller.get("/book")

    call, request = spans.spans
    assert (call.name, request.name) == ("GET", "GET /book")
    assert call.parent is not None
    assert call.parent.span_id == request.context.span_id
    assert service.asked[0].headers["traceparent"].split("-")[1] == f"{request.context.trace_id:032x}"
