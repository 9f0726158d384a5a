"""What `OpenTelemetryPlugin` provides while it runs; all are FastAPI dependencies."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from fastapi_factory_utilities.core.plugins.errors import PluginNotActiveError
from fastapi_factory_utilities.core.plugins.provided import Provided
from fastapi_factory_utilities.core.telemetry import NO_TELEMETRY, Telemetry

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

__all__ = ["depends_meter_provider", "depends_telemetry", "depends_tracer_provider"]


class _OrNothing[T](Provided[T]):
    """Gives what records nothing where nothing is published: telemetry can be switched off, and no route fails."""

    def __init__(self, name: str, nothing: Callable[[], T]) -> None:
        super().__init__(name, plugin="OpenTelemetryPlugin")
        self._nothing = nothing

    def of(self, app: Starlette) -> T:
        """Return the value, or what stands for it."""
        try:
            return super().of(app)
        except PluginNotActiveError:
            return self._nothing()


def _no_tracer_provider() -> "TracerProvider":
    from opentelemetry.trace import NoOpTracerProvider  # noqa: PLC0415 - an extra

    return NoOpTracerProvider()


def _no_meter_provider() -> "MeterProvider":
    from opentelemetry.metrics import NoOpMeterProvider  # noqa: PLC0415 - an extra

    return NoOpMeterProvider()


depends_tracer_provider: "Provided[TracerProvider]" = _OrNothing("tracer_provider", _no_tracer_provider)
depends_meter_provider: "Provided[MeterProvider]" = _OrNothing("meter_provider", _no_meter_provider)
depends_telemetry: Provided[Telemetry] = _OrNothing("telemetry", lambda: NO_TELEMETRY)
