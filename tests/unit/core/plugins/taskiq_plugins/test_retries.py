"""Retry policies."""

from typing import Any

import pytest

from fastapi_factory_utilities.core.plugins.taskiq_plugins import RetryPolicy


def test_the_wait_doubles_up_to_the_longest() -> None:
    policy = RetryPolicy(max_attempts=99, base_seconds=1, max_seconds=10, jitter=0)
    assert [policy.wait_seconds(attempt) for attempt in (1, 2, 3, 4, 5, 2000)] == [1, 2, 4, 8, 10, 10]


def test_chance_shortens_a_wait_by_its_part_at_most() -> None:
    waits = [RetryPolicy(base_seconds=8, jitter=0.25).wait_seconds(1) for _ in range(200)]
    assert 6 <= min(waits) < max(waits) <= 8


def test_only_errors_that_another_attempt_may_mend_get_one_and_only_so_many() -> None:
    policy = RetryPolicy(max_attempts=3, retry_on=(ConnectionError,))
    assert policy.tries_again(ConnectionResetError(), 2)
    assert not policy.tries_again(ConnectionResetError(), 3)
    assert not policy.tries_again(ValueError(), 1)


@pytest.mark.parametrize(
    "wrong", [{"max_attempts": 0}, {"base_seconds": -1}, {"base_seconds": 9, "max_seconds": 8}, {"jitter": 1.1}]
)
def test_numbers_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RetryPolicy(**wrong)
