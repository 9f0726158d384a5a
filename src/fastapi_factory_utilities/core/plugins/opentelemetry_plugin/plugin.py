"""`OpenTelemetryPlugin`: makes the telemetry of an application, and exports it while it runs."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, ClassVar

from starlette.applications import Starlette
from starlette.types import ASGIApp

from fastapi_factory_utilities.core.plugins.abstracts import PluginAbstract
from fastapi_factory_utilities.core.plugins.extras import require_extra
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.config import OpenTelemetryConfig
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.provided import (
    depends_meter_provider,
    depends_telemetry,
    depends_tracer_provider,
)
from fastapi_factory_utilities.core.plugins.provided import Provided
from fastapi_factory_utilities.core.telemetry import running_telemetry

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.assembly import Assembly
    from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.sinks import SpanSink

__all__ = ["OpenTelemetryPlugin"]


class OpenTelemetryPlugin(PluginAbstract[OpenTelemetryConfig]):
    """Makes the service observable: traces, metrics and the ids in its log lines.

    Every plugin and every service reaches it through `core.telemetry`; nobody else imports it. No global of
    OpenTelemetry is touched, unless the application owns its process: then `opentelemetry.trace.get_tracer` leads here
    as well.

    Args:
        config: Instead of the section `opentelemetry`.
        sinks: Who else gets ended spans, such as a `MemorySpans`.
        environ: Instead of the process's `OTEL_*` variables.
    """

    section: ClassVar[str] = "opentelemetry"
    outermost: ClassVar[bool] = True

    def __init__(
        self,
        config: OpenTelemetryConfig | None = None,
        *,
        sinks: "Sequence[SpanSink]" = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(config)
        self._sinks = tuple(sinks)
        self._environ = environ
        self._assembly: Assembly | None = None

    def on_load(self) -> None:
        """Make everything, so that it is there before any plugin starts; nothing is opened.

        Raises:
            MissingExtraError: The extra is not installed.
        """
        require_extra("otel", "opentelemetry.sdk")
        # A disabled plugin needs no OpenTelemetry.
        from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.assembly import assemble  # noqa: PLC0415

        environ = os.environ if self._environ is None else self._environ
        self._assembly = assemble(self.config, self.context, environ, self._sinks)
        if self._assembly is not None:
            self.context.telemetry_slot.current = self._assembly.telemetry

    def wrap_asgi(self, app: ASGIApp) -> ASGIApp:
        """Put the layer around the application that has a span and a duration for each request, and `/metrics`."""
        if self._assembly is None:
            return app
        from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.layer import (  # noqa: PLC0415 - as above
            ServerLayer,
        )

        assembly = self._assembly
        served = ServerLayer(app, assembly.telemetry, excluded_urls=assembly.config.excluded_urls)
        return assembly.metrics.wrap_asgi(served)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Export for as long as the application runs; everybody else's last spans come before the flush."""
        assembly, app = self._assembly, self.context.asgi_app
        if assembly is None:
            yield
            return
        telemetry = assembly.telemetry
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(assembly.running(self.context))
            stack.enter_context(running_telemetry(telemetry))
            stack.enter_context(_published(depends_telemetry, app, telemetry))
            stack.enter_context(_published(depends_tracer_provider, app, telemetry.tracer_provider))
            if telemetry.meter_provider is not None:
                stack.enter_context(_published(depends_meter_provider, app, telemetry.meter_provider))
            yield


@contextmanager
def _published[T](slot: Provided[T], app: Starlette, value: T) -> Iterator[None]:
    slot.publish(app, value)
    try:
        yield
    finally:
        slot.withdraw(app)
