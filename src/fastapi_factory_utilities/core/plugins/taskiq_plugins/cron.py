"""When a cron expression is due.

Five fields, minute hour day month weekday, as crontab(5) has them: lists, ranges, steps, names of months and weekdays,
0 and 7 for Sunday, and `@hourly @daily @weekly @monthly @yearly`. When day and weekday are both restricted, either is
enough. Taskiq's own reader takes mistakes for expressions that are never due; this one refuses them.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo

from fastapi_factory_utilities.core.plugins.taskiq_plugins.errors import ScheduleDefinitionError

__all__ = ["CronExpression"]

_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_WEEKDAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("weekday", 0, 7, _WEEKDAYS),
)
_SUNDAY = 7
_FIELD_COUNT = len(_FIELDS)

# From one 29 February to the next it may be eight years, and to a certain weekday of it forty.
_HORIZON_DAYS = 366 * 41
# Longer than any change of the clocks.
_SHIFT = timedelta(hours=3)


class CronExpression:
    """A cron expression on the clocks of one time zone.

    A time that the clocks skip in spring is due as much later. A time that they show twice in autumn is due the first
    time only, unless the expression is for every hour: then it is due in both.

    Args:
        expression: Five fields, or a macro.
        zone: The time zone.

    Raises:
        ScheduleDefinitionError: The expression has a mistake, or is never due, as on 31 February.
    """

    def __init__(self, expression: str, zone: tzinfo = UTC) -> None:
        self._expression = expression
        fields = _MACROS.get(expression.strip().lower(), expression).split()
        if len(fields) != _FIELD_COUNT:
            raise self._wrong("it has five fields: minute, hour, day, month, weekday")
        self._minutes, self._hours, self._days, self._months, weekdays = (
            self._read(field, *about) for field, about in zip(fields, _FIELDS, strict=True)
        )
        self._weekdays = {day % _SUNDAY for day in weekdays}
        self._either_day = not fields[2].startswith("*") and not fields[4].startswith("*")
        self._every_hour = len(self._hours) == 24  # noqa: PLR2004 - hours
        self._zone = zone
        if next(self._dates(date(2000, 1, 1)), None) is None:
            raise self._wrong("it is never due")

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time it is due after a moment (aware), in UTC; `None` only beyond the end of the calendar."""
        start = (moment - _SHIFT).astimezone(self._zone)
        for day in self._dates(start.date()):
            for hour in self._hours:
                if day > start.date() or hour >= start.hour:
                    due = [each for each in self._in_hour(day, hour) if each > moment]
                    if due:
                        return min(due)
        return None

    def last_until(self, moment: datetime, *, after: datetime) -> datetime | None:
        """The last time it was due until a moment, and after another; `None` when it was not."""
        end = (moment + _SHIFT).astimezone(self._zone)
        first = (after - _SHIFT).astimezone(self._zone).date()
        day = end.date()
        while day >= first:
            if self._has_date(day):
                for hour in reversed(self._hours):
                    due = [each for each in self._in_hour(day, hour) if after < each <= moment]
                    if due:
                        return max(due)
            day -= timedelta(days=1)
        return None

    def _in_hour(self, day: date, hour: int) -> Iterator[datetime]:
        """When it is due in one hour of the wall clock, in UTC."""
        for minute in self._minutes:
            wall = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self._zone)
            first = wall.astimezone(UTC)
            yield first
            again = wall.replace(fold=1).astimezone(UTC)
            if self._every_hour and again > first:
                yield again

    def _dates(self, first: date) -> Iterator[date]:
        for ahead in range(_HORIZON_DAYS):
            try:
                day = first + timedelta(days=ahead)
            except OverflowError:
                return
            if self._has_date(day):
                yield day

    def _has_date(self, day: date) -> bool:
        if day.month not in self._months:
            return False
        of_month, of_week = day.day in self._days, day.isoweekday() % _SUNDAY in self._weekdays
        return of_month or of_week if self._either_day else of_month and of_week

    def _read(self, field: str, name: str, low: int, high: int, names: dict[str, int]) -> list[int]:
        found: set[int] = set()
        for part in field.lower().split(","):
            span, has_step, step_text = part.partition("/")
            step = self._number(step_text, name, 1, high, {}) if has_step else 1
            if span == "*":
                first, last = low, high
            else:
                begin, is_range, end = span.partition("-")
                first = self._number(begin, name, low, high, names)
                last = self._number(end, name, low, high, names) if is_range else (high if has_step else first)
            if first > last:
                raise self._wrong(f"the {name} has a range that ends before it begins")
            found.update(range(first, last + 1, step))
        return sorted(found)

    def _number(self, text: str, name: str, low: int, high: int, names: dict[str, int]) -> int:
        number = names.get(text, int(text) if text.isascii() and text.isdigit() else None)
        if number is None or not low <= number <= high:
            raise self._wrong(f"the {name} must be made of numbers from {low} to {high}{', or names' if names else ''}")
        return number

    def _wrong(self, why: str) -> ScheduleDefinitionError:
        return ScheduleDefinitionError(
            f"{self._expression!r} is no cron expression: {why}", expression=self._expression
        )
