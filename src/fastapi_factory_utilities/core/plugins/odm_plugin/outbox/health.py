"""The outbox in the service's health: degraded when messages wait for too long, or were set aside."""

from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.store import Backlog, OutboxStore
from fastapi_factory_utilities.core.services.status import (
    ComponentInstanceType,
    ComponentSubject,
    HealthStatusEnum,
    ReadinessStatusEnum,
    Status,
    StatusService,
)

__all__ = ["OutboxSubject"]


class OutboxSubject(ComponentSubject):
    """Reports for the outbox: a database that answers is not all that it takes to be healthy.

    Args:
        service: Where it reports.
        instance: Its component.
        store: What is looked at.
        degraded_after_seconds: The age of the oldest message that is too old.
    """

    def __init__(
        self,
        service: StatusService,
        instance: ComponentInstanceType,
        store: OutboxStore,
        degraded_after_seconds: float,
    ) -> None:
        super().__init__(service, instance)
        self._store = store
        self._limit = degraded_after_seconds
        self._backlog = Backlog(0.0, 0)

    async def look(self) -> None:
        """Look what waits; raises when the database does not answer."""
        self._backlog = await self._store.backlog()

    def healthy(self) -> None:
        """Report that the outbox can be looked at, and what is in it."""
        problems = []
        if self._backlog.oldest_age_seconds > self._limit:
            problems.append(
                f"the oldest message waits longer than {self._limit:g} s to be sent: see the message broker's health"
            )
        if self._backlog.parked:
            what = "1 message is" if self._backlog.parked == 1 else f"{self._backlog.parked} messages are"
            problems.append(f"{what} parked, because the broker refused them: see Outbox.parked() and requeue()")
        if problems:
            self.on_next(Status(HealthStatusEnum.DEGRADED, ReadinessStatusEnum.READY, "; ".join(problems)))
        else:
            super().healthy()
