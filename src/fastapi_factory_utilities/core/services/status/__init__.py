"""Health: what each component says of itself, and what that makes of the service (FR38-FR42).

A plugin registers its component and reports through the subject it gets back; `probing()` does that for every backend.
A service author adds a check of their own in three lines::

    async def payment_api_answers() -> None:
        await client.get("/health")

    app.get_status_service().add_check("payment-api", payment_api_answers, interval_seconds=10)
"""

from fastapi_factory_utilities.core.services.status.calculators import (
    HealthCalculatorStrategy,
    HealthSimpleCalculatorStrategy,
    ReadinessCalculatorStrategy,
    ReadinessSimpleCalculatorStrategy,
)
from fastapi_factory_utilities.core.services.status.depends import depends_status_service
from fastapi_factory_utilities.core.services.status.liveness import Liveness, LivenessMonitor
from fastapi_factory_utilities.core.services.status.probing import HealthCheckConfig, probing
from fastapi_factory_utilities.core.services.status.service import ComponentSubject, StatusService, Subscription
from fastapi_factory_utilities.core.services.status.types import (
    ComponentInstanceType,
    ComponentState,
    ComponentTypeEnum,
    HealthStatusEnum,
    ReadinessStatusEnum,
    Status,
    StatusUpdateEvent,
)

__all__ = [
    "ComponentInstanceType",
    "ComponentState",
    "ComponentSubject",
    "ComponentTypeEnum",
    "HealthCalculatorStrategy",
    "HealthCheckConfig",
    "HealthSimpleCalculatorStrategy",
    "HealthStatusEnum",
    "Liveness",
    "LivenessMonitor",
    "ReadinessCalculatorStrategy",
    "ReadinessSimpleCalculatorStrategy",
    "ReadinessStatusEnum",
    "Status",
    "StatusService",
    "StatusUpdateEvent",
    "Subscription",
    "depends_status_service",
    "probing",
]
