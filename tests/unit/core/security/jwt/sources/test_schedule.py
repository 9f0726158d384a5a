"""When keys are fetched."""

import pytest

from fastapi_factory_utilities.core.security.jwt.sources.schedule import Schedule, UnknownKidGate


@pytest.mark.parametrize(
    ("max_age", "seconds"),
    [(None, 300), (60, 60), (3600, 300), (0, 30), (5, 30)],
    ids=["not said", "sooner", "no later than configured", "not at once", "not too soon"],
)
def test_keys_are_fetched_before_they_are_stale(max_age: float | None, seconds: float) -> None:
    assert Schedule(300, spread=lambda: 1.0).succeeded(max_age) == pytest.approx(seconds)
    assert Schedule(300, spread=lambda: 0.0).succeeded(max_age) == pytest.approx(0.8 * seconds)


def test_after_failures_it_is_tried_again_soon_then_every_five_seconds_and_a_success_is_a_new_beginning() -> None:
    schedule = Schedule(300, spread=lambda: 1.0)

    assert [schedule.failed() for _ in range(6)] == [0.5, 1, 2, 4, 5, 5]
    schedule.succeeded(None)
    assert schedule.failed() == 0.5
    assert [schedule.failed() for _ in range(5000)][-1] == 5


def test_instances_do_not_ask_together() -> None:
    schedule = Schedule(300)

    assert len({schedule.succeeded(None) for _ in range(20)}) > 10


def test_one_fetch_passes_in_thirty_seconds_whoever_asks() -> None:
    now = 0.0
    gate = UnknownKidGate(30, clock=lambda: now)
    passed = []

    for tenth in range(1000):
        now = tenth / 10
        passed += [now for _ in range(10) if gate.passes()]

    assert passed == [0, 30, 60, 90]
