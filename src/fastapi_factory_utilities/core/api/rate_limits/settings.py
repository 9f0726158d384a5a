"""What rate limits need to know of the service; without it they count in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from fastapi import FastAPI

__all__ = ["SETTINGS_KEY", "RateLimitSettings", "configure_rate_limits"]

SETTINGS_KEY: Final = "rate_limit_settings"


@dataclass(frozen=True, slots=True)
class RateLimitSettings:
    """How requests are counted.

    Attributes:
        enabled: Whether they are.
        storage: Where: in the memory of each process, or in Redis, for all of them.
        max_clients: How many clients memory counts at a time; whoever has not come for longest is forgotten first.
        redis_timeout_ms: How long a request waits for Redis.
        redis_retry_seconds: How long each process counts for itself before it asks a Redis again that did not answer.
        routes: Instead of what the code says: rates by a limit's name; `None` is no limit.
        prefix: What the keys in Redis begin with.
    """

    enabled: bool = True
    storage: Literal["memory", "redis"] = "memory"
    max_clients: int = 100_000
    redis_timeout_ms: int = 250
    redis_retry_seconds: float = 5.0
    routes: Mapping[str, str | None] = field(default_factory=dict)
    prefix: str = "rate_limits"


def configure_rate_limits(app: FastAPI, settings: RateLimitSettings) -> None:
    """Say how an application counts; call it before it serves."""
    setattr(app.state, SETTINGS_KEY, settings)
