"""What is asked again, when, and how much of it in all."""

import io
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from fastapi_factory_utilities.core.app.configuration.sections.resilience import HttpRetryConfig
from fastapi_factory_utilities.core.plugins.aiohttp.budget import RetryBudget
from fastapi_factory_utilities.core.plugins.aiohttp.retrying import Retrying, retry_after


def pause(config: HttpRetryConfig | None = None, method: str = "GET", made: int = 1, **facts: Any) -> float | None:
    options = facts.pop("options", {})
    facts = {"remaining_seconds": 100.0, **facts}
    return Retrying(config or HttpRetryConfig()).pause(made, method, options, **facts)


def test_pauses_grow_and_are_drawn_at_random() -> None:
    config = HttpRetryConfig(attempts=9, backoff_seconds=0.1, max_backoff_seconds=0.5)

    drawn = {made: [pause(config, made=made) or 0 for _ in range(200)] for made in (1, 2, 3, 8)}

    for made, longest in ((1, 0.1), (2, 0.2), (3, 0.4), (8, 0.5)):
        assert longest / 2 < max(drawn[made]) <= longest
        assert min(drawn[made]) < longest / 2


def test_the_last_attempt_is_the_last() -> None:
    assert pause(made=2) is not None
    assert pause(made=3) is None


@pytest.mark.parametrize(
    ("method", "facts", "repeated"),
    [
        ("GET", {}, True),
        ("DELETE", {}, True),
        ("POST", {}, False),
        ("PATCH", {}, False),
        ("POST", {"never_sent": True}, True),
        ("POST", {"options": {"headers": {"idempotency-key": "1"}}}, True),
        ("POST", {"options": {"headers": [("Idempotency-Key", "1")]}}, True),
        ("PUT", {"options": {"data": b"body"}}, True),
        ("PUT", {"options": {"data": {"field": "value"}}}, True),
        ("PUT", {"options": {"data": io.BytesIO(b"used up")}}, False),
        ("PUT", {"options": {"data": {"file": io.BytesIO(b"used up")}}}, False),
    ],
)
def test_only_what_does_no_harm_twice_is_repeated(method: str, facts: dict[str, Any], repeated: bool) -> None:
    assert (pause(method=method, **facts) is not None) is repeated


def test_retry_after_is_waited_for_within_reason() -> None:
    told: dict[str, Any] = {"headers": {"Retry-After": "3"}}

    waited = pause(**told)

    assert waited is not None
    assert 3 <= waited <= 3.1
    assert pause(HttpRetryConfig(max_retry_after_seconds=2), **told) is None
    assert pause(remaining_seconds=2.9, **told) is None


def test_retry_after_may_be_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)

    assert retry_after({"Retry-After": soon}) == pytest.approx(20, abs=1.5)
    assert retry_after({"Retry-After": "Mon, 01 Jan 2024 00:00:00 GMT"}) == 0
    assert retry_after({"Retry-After": "soon"}) is None
    assert retry_after({}) is None


def test_an_outage_of_everything_is_repeated_a_little_only() -> None:
    now = 0.0
    budget = RetryBudget(0.1, 10, clock=lambda: now)
    calls = repeated = 0
    for _ in range(12_000):  # 60 s at 200 a second
        now += 0.005
        calls += 1
        budget.deposit()
        repeated += budget.withdraw() + budget.withdraw()

    assert calls + repeated <= 1.2 * calls
    assert repeated >= 1_000


def test_an_idle_minute_fills_the_budget() -> None:
    now = 0.0
    budget = RetryBudget(0.1, 3, clock=lambda: now)
    assert [budget.withdraw() for _ in range(4)] == [True, True, True, False]

    now += 60

    assert [budget.withdraw() for _ in range(4)] == [True, True, True, False]
