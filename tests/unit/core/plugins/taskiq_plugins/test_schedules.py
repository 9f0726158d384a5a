"""Schedules: when they are due, and what tells them apart."""

from datetime import UTC, datetime, timedelta

import pytest

from fastapi_factory_utilities.core.plugins.taskiq_plugins import Cron, Every, Once, ScheduleDefinitionError

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_steps_are_counted_from_the_epoch_so_that_replicas_agree() -> None:
    assert Every(minutes=5).next_after(NOON + timedelta(minutes=1)) == NOON + timedelta(minutes=5)
    assert Every(minutes=5).next_after(NOON) == NOON + timedelta(minutes=5), "after, not at"
    assert Every(minutes=5).last_until(NOON + timedelta(minutes=9), after=NOON) == NOON + timedelta(minutes=5)
    assert Every(minutes=5).last_until(NOON + timedelta(minutes=4), after=NOON) is None


def test_steps_can_be_counted_from_a_moment() -> None:
    every = Every(hours=1, since=NOON + timedelta(minutes=7))
    assert every.next_after(NOON) == NOON + timedelta(hours=1, minutes=7), "first when one step is over"
    assert every.last_until(NOON + timedelta(minutes=30), after=NOON) is None


def test_a_step_beyond_the_calendar_is_never_due() -> None:
    every = Every(days=3_000_000)
    assert every.next_after(NOON) is None
    assert every.last_until(NOON, after=NOON - timedelta(days=1)) is None
    late = Every(days=3_000_000, since=datetime(9999, 1, 1, tzinfo=UTC))
    assert late.last_until(NOON, after=NOON - timedelta(days=1)) is None


def test_once_is_once() -> None:
    once = Once(NOON)
    assert once.next_after(NOON - timedelta(seconds=1)) == NOON
    assert once.next_after(NOON) is None
    assert once.last_until(NOON, after=NOON - timedelta(days=1)) == NOON
    assert once.last_until(NOON + timedelta(days=1), after=NOON) is None


def test_a_cron_has_the_clock_of_its_place() -> None:
    assert Cron("0 14 * * *", timezone="Europe/Paris").next_after(NOON - timedelta(hours=1)) == NOON
    assert Cron("0 14 * * *", timezone=timedelta(hours=2)).last_until(NOON, after=NOON - timedelta(days=1)) == NOON


def test_schedules_of_a_task_are_told_apart_and_are_the_same_everywhere() -> None:
    keys = {
        schedule.key
        for schedule in (
            Cron("0 3 * * *"),
            Cron("0  3 * * *"),
            Cron("0 3 * * *", timezone="Europe/Paris"),
            Cron("0 3 * * *", arguments={"kind": "a"}),
            Every(minutes=1),
            Every(seconds=60),
            Every(minutes=1, arguments={"kind": "a"}),
            Once(NOON),
        )
    }
    assert len(keys) == 6


@pytest.mark.parametrize(
    "make",
    [
        Every,
        lambda: Every(seconds=0.5),
        lambda: Every(seconds=1e300),
        lambda: Every(days=float("inf")),
        lambda: Every(days=float("nan")),
        lambda: Every(seconds=-5),
        lambda: Every(hours=1, since=NOON.replace(tzinfo=None)),
        lambda: Once(NOON.replace(tzinfo=None)),
        lambda: Cron("often"),
        lambda: Cron("0 3 * * *", timezone="Europe/Atlantis"),
        lambda: Cron("0 3 * * *", timezone="../etc/passwd"),
        lambda: Cron("0 3 * * *", timezone=timedelta(days=2)),
    ],
)
def test_a_mistake_is_told_where_it_is_made(make: type) -> None:
    with pytest.raises(ScheduleDefinitionError):
        make()
