"""The section `taskiq`."""

from pydantic import Field

from fastapi_factory_utilities.core.plugins.config import PluginConfig
from fastapi_factory_utilities.core.plugins.roles import ProcessRole

__all__ = ["TaskiqConfig"]


class TaskiqConfig(PluginConfig):
    """The section `taskiq`: how tasks are run and schedules are kept; Redis itself is in the section `redis`."""

    in_memory: bool = Field(
        default=False,
        description="true needs no Redis: tasks run in this process, whatever its role, and are lost with it.",
    )
    concurrency: int = Field(default=10, ge=1, le=10_000, description="How many tasks a process runs at a time.")
    run_in_web: bool = Field(
        default=False, description="Whether serving processes run tasks as well, for services without workers."
    )
    schedule_in: ProcessRole = Field(
        default=ProcessRole.SCHEDULER,
        description="The processes that fire schedules, beside those of `scheduler`; of several one does at a time.",
    )
    time_limit_seconds: float = Field(
        default=300.0, gt=0, description="How long one attempt may take, unless the task says otherwise."
    )
    visibility_timeout_seconds: float = Field(
        default=30.0,
        ge=1.0,
        description="How long a worker may be silent before its tasks are handed to another; a live one never is.",
    )
    max_deliveries: int = Field(
        default=5, ge=1, description="How many workers a task may take down with it before it is parked as dead."
    )
    result_ttl_seconds: float = Field(default=86_400.0, ge=1.0, description="How long results are kept.")
    max_stream_length: int = Field(
        default=100_000, ge=1, description="How many tasks may wait; more are refused, and none is dropped."
    )
    max_dead_letters: int = Field(
        default=10_000, ge=1, description="How many given-up tasks are kept; the oldest are forgotten first."
    )
    confirm_replicas: int = Field(
        default=0,
        ge=0,
        description="How many replicas of Redis must have a task before it counts as sent; 1 survives a failover.",
    )
    scheduler_lease_seconds: float = Field(
        default=5.0, ge=0.5, description="How long schedules may rest when the process that fires them dies."
    )
    catch_up_seconds: float = Field(
        default=3600.0,
        ge=0.0,
        description="How late cron and interval schedules may still fire, once, when nobody was there to fire them.",
    )
