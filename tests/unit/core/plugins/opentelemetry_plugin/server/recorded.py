"""A recorded application, what was recorded of it, and a way to ask it."""

__all__ = ["Recorded", "exchange"]

import asyncio
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import Any

from opentelemetry.sdk.resources import Resource
from starlette.types import ASGIApp

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.registry import LightInstruments
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.layer import ServerLayer
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.telemetry import OpenTelemetryTelemetry
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.propagation import Propagation
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.recorder import Recorder
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.sampling import Sampling
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.sinks import MemorySpans
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.span import LightSpan
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.tracer import LightTracerProvider

Headers = Iterable[tuple[bytes, bytes]]


class Recorded:
    """Serves applications as a server would, and shows what is recorded of them."""

    def __init__(self, ratio: float = 1.0) -> None:
        self.memory = MemorySpans()
        self.instruments = LightInstruments()
        recorder = Recorder(Resource({}), Sampling(ratio))
        recorder.add(self.memory)
        self.telemetry = OpenTelemetryTelemetry(
            LightTracerProvider(recorder), Propagation(), instruments=self.instruments
        )

    def layer(self, app: ASGIApp, *, excluded_urls: Sequence[str] = ()) -> ServerLayer:
        return ServerLayer(app, self.telemetry, excluded_urls=excluded_urls)

    @property
    def spans(self) -> tuple[LightSpan, ...]:
        return self.memory.spans

    @property
    def span(self) -> LightSpan:
        """The one SERVER span."""
        (span,) = [span for span in self.spans if span.kind_number == 1]
        return span

    def durations(self) -> dict[frozenset[tuple[str, Any]], int]:
        """How many durations were recorded, by their attributes."""
        return {
            frozenset(point.attributes.items()): sum(point.counts)
            for measured in self.instruments.measured()
            if measured.name == "http.server.request.duration"
            for point in measured.histograms
        }

    def active(self) -> float:
        """How many requests are being served."""
        return sum(
            point.value
            for measured in self.instruments.measured()
            if measured.name == "http.server.active_requests"
            for point in measured.numbers
        )


async def exchange(
    app: ASGIApp, path: str = "/", headers: Headers = (), *, messages: Sequence[Mapping[str, Any]] = (), **extra: Any
) -> list[Any]:
    """Serve one connection and return what was sent; after the given messages nothing more comes in."""
    kind = extra.get("type", "http")
    coming = iter(messages or [{"type": "http.request" if kind == "http" else "websocket.connect"}])
    sent: list[Any] = []

    async def receive() -> Mapping[str, Any]:
        for message in coming:
            return message
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    path, _, query = path.partition("?")
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query.encode()}
    scope |= {"headers": [(b"host", b"library.test:8080"), *headers], "http_version": "1.1", "root_path": ""}
    scope |= {"scheme": "http", "server": ("10.0.0.1", 80), "client": ("192.0.2.7", 5000), "subprotocols": [], **extra}
    await app(scope, receive, send)  # type: ignore[arg-type]  # a mapping is enough
    return sent
