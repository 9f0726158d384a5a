"""When a message is tried again, and when it is given up."""

import pytest

from fastapi_factory_utilities.core.plugins.aiopika.retry import NO_RETRY, RetryPolicy, rounded_up


def test_the_delays_grow_until_no_attempt_is_left() -> None:
    policy = RetryPolicy()
    given = [(attempt, policy.delay_after(attempt)) for attempt in range(1, 7)]
    assert given == [(1, 1), (2, 5), (3, 25), (4, 130), (5, None), (6, None)]


def test_its_delays_are_known_beforehand() -> None:
    assert RetryPolicy().delays == (1, 5, 25, 130)


def test_no_delay_is_longer_than_the_longest() -> None:
    policy = RetryPolicy(attempts=1000, first_delay_seconds=1, factor=10, max_delay_seconds=50)
    assert list(policy.delays) == [1, 10, 50]
    assert policy.delay_after(999) == 50.0


def test_a_steady_delay_is_one_queue() -> None:
    assert RetryPolicy(attempts=9, first_delay_seconds=3, factor=1).delays == (3,)


def test_without_retry_the_first_failure_is_the_last() -> None:
    assert NO_RETRY.delay_after(1) is None
    assert NO_RETRY.delays == ()


@pytest.mark.parametrize(
    ("asked", "given"), [(0.0, 0.001), (-1, 0.001), (0.25, 0.25), (1, 1), (1.21, 1.3), (125, 130), (1e99, 610_000)]
)
def test_there_are_few_different_delays_and_none_is_shorter_than_asked_for(asked: float, given: float) -> None:
    assert rounded_up(asked) == pytest.approx(given)


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0},
        {"first_delay_seconds": 0},
        {"first_delay_seconds": float("nan")},
        {"factor": 0.5},
        {"factor": float("inf")},
        {"max_delay_seconds": 0.5},
        {"max_delay_seconds": 1e9},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RetryPolicy(**wrong)  # type: ignore[arg-type]  # one of the fields
