"""The section `outbox`."""

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from fastapi_factory_utilities.core.plugins.config import ConnectionConfig
from fastapi_factory_utilities.core.services.status import HealthCheckConfig

__all__ = ["OutboxConfig"]

# MongoDB's restrictions on collection names; a database's name and `.relay` must fit beside it.
_COLLECTION: Final = r"^[A-Za-z_][A-Za-z0-9_.-]*$"
# Of the time that a lease may cost when its holder died: how long it lasts, how often it is renewed and asked for.
_LASTS, _RENEWED, _ASKED_FOR = 0.8, 0.25, 0.15


class OutboxConfig(ConnectionConfig):
    """The section `outbox`; every key has a default."""

    collection: Annotated[str, StringConstraints(max_length=100, pattern=_COLLECTION)] = Field(
        default="outbox", description="Where messages wait; beside it are NAME.keys and NAME.relay."
    )
    relay: bool = Field(
        default=True, description="false makes this process one that only writes; another one has to relay."
    )
    batch_size: int = Field(default=100, ge=1, le=10_000, description="Messages that are in flight at a time.")
    poll_interval_seconds: float = Field(
        default=0.5, gt=0, description="How soon the relay sees what another process has committed."
    )
    lease_seconds: float = Field(
        default=5.0, ge=0.5, description="How long a relay that died keeps the others from taking over."
    )
    retention_seconds: float = Field(
        default=3600.0, ge=0, description="How long messages stay after they were sent; 0 removes them at once."
    )
    max_attempts: int = Field(
        default=5, ge=1, description="How often a message that the broker refuses is tried before it is parked."
    )
    retry_seconds: float = Field(
        default=1.0, gt=0, description="Before the second attempt; each further pause is twice as long."
    )
    degraded_after_seconds: float = Field(
        default=60.0, gt=0, description="The age of the oldest message not sent that makes the outbox degraded."
    )
    stop_seconds: float = Field(
        default=1.0, ge=0, description="How long a stop waits for the confirms of what is in flight."
    )
    health_check: HealthCheckConfig = Field(
        default=HealthCheckConfig(interval_seconds=1.0, timeout_seconds=1.0),
        description="How the outbox is looked at.",
    )

    @property
    def lasting_seconds(self) -> float:
        """How long a lease lasts without being renewed."""
        return self.lease_seconds * _LASTS

    @property
    def renewal_seconds(self) -> float:
        """How often the relay renews its lease; two renewals may fail."""
        return self.lease_seconds * _RENEWED

    @property
    def candidacy_seconds(self) -> float:
        """How often the others ask for it."""
        return min(1.0, self.lease_seconds * _ASKED_FOR)
