"""The words of health: components, their status, and the change of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = [
    "ComponentInstanceType",
    "ComponentState",
    "ComponentTypeEnum",
    "HealthStatusEnum",
    "ReadinessStatusEnum",
    "Status",
    "StatusUpdateEvent",
]


class HealthStatusEnum(StrEnum):
    """How well something works (FR39)."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


class ReadinessStatusEnum(StrEnum):
    """Whether traffic makes sense (FR41)."""

    READY = "ready"
    NOT_READY = "not_ready"


class ComponentTypeEnum(StrEnum):
    """What kind of thing a component is; the first half of its key."""

    APPLICATION = "application"
    CACHE = "cache"
    CHECK = "check"
    DATABASE = "database"
    EXTERNAL_SERVICE = "external_service"
    MESSAGE_BROKER = "message_broker"
    STORAGE = "storage"
    TASK_QUEUE = "task_queue"
    TELEMETRY = "telemetry"


@dataclass(frozen=True, slots=True)
class ComponentInstanceType:
    """One component of a service, such as its MongoDB.

    Attributes:
        component_type: The kind of component.
        identifier: Its name among the components of that kind; `None` when there is only one.
    """

    component_type: ComponentTypeEnum
    identifier: str | None = None

    @property
    def key(self) -> str:
        """The name in health answers, logs and metrics: `"database:MongoDB"`."""
        if self.identifier is None:
            return self.component_type.value
        return f"{self.component_type.value}:{self.identifier}"

    @classmethod
    def from_key(cls, key: str) -> "ComponentInstanceType":
        """Read a key such as `"database:MongoDB"` back.

        Raises:
            ValueError: The part before the colon is no `ComponentTypeEnum` value.
        """
        kind, _, identifier = key.partition(":")
        return cls(ComponentTypeEnum(kind), identifier or None)


@dataclass(frozen=True, slots=True)
class Status:
    """What a component, or the service, says at one moment.

    Attributes:
        health: How well it works.
        readiness: Whether it can be used.
        reason: Why it is not well, in words for a person; never a secret. `None` when all is well.
        next_try_at: When it will be tried again (aware, UTC); `None` when nothing is waiting.
        starting: Whether it is unwell only because it was never reached yet.
    """

    health: HealthStatusEnum
    readiness: ReadinessStatusEnum
    reason: str | None = None
    next_try_at: datetime | None = None
    starting: bool = False

    def differs_from(self, other: "Status") -> bool:
        """Whether going from `other` to this is a transition, and not just news about the same state."""
        return self.health is not other.health or self.readiness is not other.readiness


@dataclass(frozen=True, slots=True)
class ComponentState:
    """A component as the service knows it.

    Attributes:
        instance: Which component.
        required: Whether the service cannot work without it.
        status: Its latest status.
        since: When it entered this state (aware, UTC).
    """

    instance: ComponentInstanceType
    required: bool
    status: Status
    since: datetime


@dataclass(frozen=True, slots=True)
class StatusUpdateEvent:
    """One transition of a component, or of the service as a whole.

    Attributes:
        sequence: Its number in the life of the service, from 1, without gaps.
        at: When it happened (aware, UTC).
        component: Which component changed; `None` for the service as a whole.
        previous: The status before.
        status: The status after.
    """

    sequence: int
    at: datetime
    component: ComponentInstanceType | None
    previous: Status
    status: Status
