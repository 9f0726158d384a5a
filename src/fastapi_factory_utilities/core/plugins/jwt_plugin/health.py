"""How an issuer's keys show in the service's health."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from fastapi_factory_utilities.core.services.status import (
    ComponentSubject,
    HealthStatusEnum,
    ReadinessStatusEnum,
    Status,
)

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.security.jwt.sources import KeySourceState

__all__ = ["tell"]


def tell(health: ComponentSubject, state: "KeySourceState") -> None:
    """Report how an issuer's keys are: there and fresh, there but not confirmed, or not there.

    Args:
        health: The issuer's component.
        state: What the last fetch came to.
    """
    if state.problem is None:
        health.healthy()
        return
    next_try_at = datetime.now(UTC) + timedelta(seconds=state.next_fetch_seconds)
    if state.keys:
        reason = f"the keys from before are used: {state.problem}"
        health.on_next(Status(HealthStatusEnum.DEGRADED, ReadinessStatusEnum.READY, reason, next_try_at))
        return
    starting = health.state.status.starting
    reason = f"starting: {state.problem}" if starting else f"no keys: {state.problem}"
    health.on_next(
        Status(HealthStatusEnum.UNHEALTHY, ReadinessStatusEnum.NOT_READY, reason, next_try_at, starting=starting)
    )
