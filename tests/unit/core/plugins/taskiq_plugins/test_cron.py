"""Cron expressions: what they mean, on which clocks, and what is refused."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from fastapi_factory_utilities.core.plugins.taskiq_plugins import ScheduleDefinitionError
from fastapi_factory_utilities.core.plugins.taskiq_plugins.cron import CronExpression

PARIS = ZoneInfo("Europe/Paris")
START = datetime(2026, 1, 1, tzinfo=UTC)  # a Thursday


def times(expression: str, count: int, start: datetime = START, zone: ZoneInfo | None = None) -> list[str]:
    cron = CronExpression(expression, zone or UTC)
    found, moment = [], start
    for _ in range(count):
        after = cron.next_after(moment)
        assert after is not None
        assert cron.last_until(after, after=moment) == after, "both directions agree"
        moment = after
        found.append(moment.strftime("%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * *", ["01-01 00:01", "01-01 00:02", "01-01 00:03"]),
        ("*/20 * * * *", ["01-01 00:20", "01-01 00:40", "01-01 01:00"]),
        ("5/25 3 * * *", ["01-01 03:05", "01-01 03:30", "01-01 03:55"]),
        ("0 9-17/4 * * *", ["01-01 09:00", "01-01 13:00", "01-01 17:00"]),
        ("30 4 1,15 * *", ["01-01 04:30", "01-15 04:30", "02-01 04:30"]),
        ("0 0 * * mon", ["01-05 00:00", "01-12 00:00", "01-19 00:00"]),
        ("0 0 * * 7", ["01-04 00:00", "01-11 00:00", "01-18 00:00"]),
        ("0 0 * * fri-7", ["01-02 00:00", "01-03 00:00", "01-04 00:00"]),
        ("0 0 13 * fri", ["01-02 00:00", "01-09 00:00", "01-13 00:00"]),
        ("0 12 31 * *", ["01-31 12:00", "03-31 12:00", "05-31 12:00"]),
        ("0 0 1 JAN,jul *", ["07-01 00:00", "01-01 00:00", "07-01 00:00"]),
        ("@hourly", ["01-01 01:00", "01-01 02:00", "01-01 03:00"]),
        ("@weekly", ["01-04 00:00", "01-11 00:00", "01-18 00:00"]),
        ("0 0 29 2 *", ["02-29 00:00", "02-29 00:00"]),
    ],
)
def test_an_expression_is_due_as_in_crontab(expression: str, expected: list[str]) -> None:
    assert times(expression, len(expected)) == expected


def test_a_time_is_that_of_the_place() -> None:
    assert times("0 9 * * *", 1, datetime(2026, 1, 1, tzinfo=UTC), PARIS) == ["01-01 08:00"]
    assert times("0 9 * * *", 1, datetime(2026, 7, 1, tzinfo=UTC), PARIS) == ["07-01 07:00"]


def test_a_time_that_the_clocks_skip_is_due_as_much_later() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert times("30 2 * * *", 2, before, PARIS) == ["03-29 01:30", "03-30 00:30"], "03:30, then 02:30"
    just_before = datetime(2026, 3, 29, 1, 10, tzinfo=UTC)
    assert times("30 2 * * *", 1, just_before, PARIS) == ["03-29 01:30"], "also when it is looked for late"


def test_a_time_that_the_clocks_show_twice_is_due_once() -> None:
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert times("30 2 * * *", 2, before, PARIS) == ["10-25 00:30", "10-26 01:30"]


def test_every_hour_is_every_hour_whatever_the_clocks_do() -> None:
    autumn = datetime(2026, 10, 24, 23, 0, tzinfo=UTC)
    assert times("0 * * * *", 4, autumn, PARIS) == ["10-25 00:00", "10-25 01:00", "10-25 02:00", "10-25 03:00"]
    spring = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)
    assert times("0 * * * *", 4, spring, PARIS) == ["03-29 00:00", "03-29 01:00", "03-29 02:00", "03-29 03:00"]


def test_the_last_time_is_found_from_far_away() -> None:
    cron = CronExpression("0 3 1 * *")
    now = datetime(2026, 6, 20, tzinfo=UTC)
    assert cron.last_until(now, after=now - timedelta(days=300)) == datetime(2026, 6, 1, 3, tzinfo=UTC)
    assert cron.last_until(now, after=datetime(2026, 6, 1, 3, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "five fields"),
        ("* * * *", "five fields"),
        ("* * * * * *", "five fields"),
        ("@often", "five fields"),
        ("60 * * * *", "the minute must be made of numbers from 0 to 59"),
        ("* 24 * * *", "the hour"),
        ("* * 0 * *", "the day"),
        ("* * * 13 *", "the month"),
        ("* * * * 8", "the weekday"),
        ("*/0 * * * *", "the minute"),
        ("1-x * * * *", "the minute"),
        ("-1 * * * *", "the minute"),
        ("1,, * * * *", "the minute"),
        ("* * * foo *", "or names"),
        ("30-10 * * * *", "ends before it begins"),
        ("0 0 31 2 *", "never due"),
        ("0 0 30 feb *", "never due"),
    ],
)
def test_a_mistake_is_refused_and_explained(expression: str, why: str) -> None:
    with pytest.raises(ScheduleDefinitionError, match=why):
        CronExpression(expression)
