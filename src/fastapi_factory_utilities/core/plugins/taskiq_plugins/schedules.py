"""When a task is due: by the clock, every so often, or once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cached_property
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from fastapi_factory_utilities.core.plugins.taskiq_plugins.cron import CronExpression
from fastapi_factory_utilities.core.plugins.taskiq_plugins.errors import ScheduleDefinitionError

__all__ = ["Cron", "Every", "Once", "Schedule", "zone_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Schedule(Protocol):
    """When a task is due."""

    @property
    def key(self) -> str:
        """What tells it from other schedules of its task; the same in every process."""
        ...

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What the task is called with."""
        ...

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time it is due after a moment (aware); `None` when it never is again."""
        ...

    def last_until(self, moment: datetime, *, after: datetime) -> datetime | None:
        """The last time it was due until a moment, and after another; `None` when it was not."""
        ...


@dataclass(frozen=True)
class Cron:
    """Due by the clock of a place.

    ::

        Cron("0 3 * * *", timezone="Europe/Paris")

    Attributes:
        expression: Five fields as in crontab(5), or `@daily` and the like; see `CronExpression`.
        timezone: The name of a time zone (IANA), or a fixed offset from UTC.
        arguments: What the task is called with.

    Raises:
        ScheduleDefinitionError: The expression has a mistake, is never due, or the time zone is unknown.
    """

    expression: str
    timezone: str | timedelta = "UTC"
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        _ = self._cron  # tells a mistake where it is made

    @cached_property
    def _cron(self) -> CronExpression:
        return CronExpression(self.expression, zone_of(self.timezone))

    @property
    def key(self) -> str:
        """See `Schedule.key`."""
        return f"cron {' '.join(self.expression.split())} {self.timezone}{_key_of(self.arguments)}"

    def next_after(self, moment: datetime) -> datetime | None:
        """See `Schedule.next_after`."""
        return self._cron.next_after(moment)

    def last_until(self, moment: datetime, *, after: datetime) -> datetime | None:
        """See `Schedule.last_until`."""
        return self._cron.last_until(moment, after=after)


@dataclass(frozen=True)
class Every:
    """Due in equal steps of time, counted from `since`, so that all replicas agree about the moments.

    ::

        Every(minutes=5)

    Attributes:
        days: Added to the others to make the step.
        hours: Likewise.
        minutes: Likewise.
        seconds: Likewise.
        since: When the first step begins (aware); by default the epoch, so that an hour begins with the hour.
        arguments: What the task is called with.

    Raises:
        ScheduleDefinitionError: The step is shorter than a second or longer than any calendar, or `since` has no time
            zone.
    """

    days: float = 0
    hours: float = 0
    minutes: float = 0
    seconds: float = 0
    since: datetime = _EPOCH
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        try:
            step = self.step
        except (OverflowError, ValueError):  # and not a number
            raise ScheduleDefinitionError("no calendar reaches that far: give Every a shorter time") from None
        if step < timedelta(seconds=1):
            raise ScheduleDefinitionError("a task can be due every second at most: give Every a longer time")
        if self.since.tzinfo is None:
            raise ScheduleDefinitionError("since must be aware: datetime(..., tzinfo=UTC), for example")

    @property
    def step(self) -> timedelta:
        """The time from one to the next."""
        return timedelta(days=self.days, hours=self.hours, minutes=self.minutes, seconds=self.seconds)

    @property
    def key(self) -> str:
        """See `Schedule.key`."""
        return f"every {self.step.total_seconds():g} s{_key_of(self.arguments)}"

    def next_after(self, moment: datetime) -> datetime | None:
        """See `Schedule.next_after`."""
        steps = max(0, math.floor((moment - self.since) / self.step)) + 1
        try:
            return self.since + steps * self.step
        except OverflowError:  # after the year 9999
            return None

    def last_until(self, moment: datetime, *, after: datetime) -> datetime | None:
        """See `Schedule.last_until`."""
        steps = math.floor((moment - self.since) / self.step)
        if steps <= 0:
            return None
        last = self.since + steps * self.step
        return last if last > after else None


@dataclass(frozen=True)
class Once:
    """Due one time.

    Attributes:
        at: When (aware).
        arguments: What the task is called with.

    Raises:
        ScheduleDefinitionError: `at` has no time zone.
    """

    at: datetime
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ScheduleDefinitionError("the time must be aware: datetime.now(UTC) + timedelta(hours=1), for example")

    @property
    def key(self) -> str:
        """See `Schedule.key`."""
        return f"once {self.at.astimezone(UTC).isoformat()}{_key_of(self.arguments)}"

    def next_after(self, moment: datetime) -> datetime | None:
        """See `Schedule.next_after`."""
        return self.at if self.at > moment else None

    def last_until(self, moment: datetime, *, after: datetime) -> datetime | None:
        """See `Schedule.last_until`."""
        return self.at if after < self.at <= moment else None


def zone_of(name: str | timedelta | None) -> tzinfo:
    """The time zone of a name, or of an offset from UTC.

    Raises:
        ScheduleDefinitionError: There is none of this name.
    """
    if name is None or name == "UTC":
        return UTC
    try:
        return timezone(name) if isinstance(name, timedelta) else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ScheduleDefinitionError(
            f"{name!r} is no time zone that this machine knows: take a name such as Europe/Paris, and install tzdata "
            f"where the system has no such names"
        ) from None


def _key_of(arguments: Mapping[str, Any]) -> str:
    """Tell schedules with different arguments apart."""
    return "".join(f" {name}={arguments[name]!r}" for name in sorted(arguments))
