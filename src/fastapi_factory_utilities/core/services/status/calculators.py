"""How the components make the service's own health and readiness; both rules are replaceable."""

from collections.abc import Collection
from typing import Protocol

from fastapi_factory_utilities.core.services.status.types import ComponentState, HealthStatusEnum, ReadinessStatusEnum

__all__ = [
    "HealthCalculatorStrategy",
    "HealthSimpleCalculatorStrategy",
    "ReadinessCalculatorStrategy",
    "ReadinessSimpleCalculatorStrategy",
]


class HealthCalculatorStrategy(Protocol):
    """Decides how healthy a service is."""

    def calculate(self, components: Collection[ComponentState]) -> HealthStatusEnum:
        """Return the health that these components make together."""
        ...


class ReadinessCalculatorStrategy(Protocol):
    """Decides whether a service is ready."""

    def calculate(self, components: Collection[ComponentState]) -> ReadinessStatusEnum:
        """Return the readiness that these components make together."""
        ...


class HealthSimpleCalculatorStrategy:
    """Unhealthy when a required component is; degraded when anything else is not healthy; else healthy."""

    def calculate(self, components: Collection[ComponentState]) -> HealthStatusEnum:
        """Return the health that these components make together; none at all is healthy."""
        if any(state.required and state.status.health is HealthStatusEnum.UNHEALTHY for state in components):
            return HealthStatusEnum.UNHEALTHY
        if any(state.status.health is not HealthStatusEnum.HEALTHY for state in components):
            return HealthStatusEnum.DEGRADED
        return HealthStatusEnum.HEALTHY


class ReadinessSimpleCalculatorStrategy:
    """Ready when every required component is; optional ones have no say."""

    def calculate(self, components: Collection[ComponentState]) -> ReadinessStatusEnum:
        """Return the readiness that these components make together; none at all is ready."""
        if any(state.required and state.status.readiness is ReadinessStatusEnum.NOT_READY for state in components):
            return ReadinessStatusEnum.NOT_READY
        return ReadinessStatusEnum.READY
