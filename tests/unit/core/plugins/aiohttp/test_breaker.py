"""The circuit breaker, on a clock of its own."""

import pytest

from fastapi_factory_utilities.core.app.configuration.sections.resilience import HttpBreakerConfig
from fastapi_factory_utilities.core.plugins.aiohttp.breaker import CircuitBreaker


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Heard:
    def __init__(self) -> None:
        self.events: list[object] = []

    def opened(self, failures: int, attempts: int, seconds: float) -> None:
        self.events.append((failures, attempts, seconds))

    def closed(self) -> None:
        self.events.append("closed")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def breaker(clock: Clock, heard: Heard) -> CircuitBreaker:
    config = HttpBreakerConfig(failure_ratio=0.5, minimum_attempts=4, window_seconds=10, open_seconds=2)
    return CircuitBreaker(config, on_open=heard.opened, on_close=heard.closed, clock=clock)


def end(breaker: CircuitBreaker, outcomes: str) -> None:
    """Let attempts pass and end: `+` well, `-` badly."""
    for outcome in outcomes:
        ticket = breaker.enter()
        assert ticket is not None
        (breaker.succeeded if outcome == "+" else breaker.failed)(ticket)


def test_it_opens_when_enough_attempts_fail_and_not_before(breaker: CircuitBreaker, heard: Heard) -> None:
    end(breaker, "---")
    assert not breaker.is_open, "three attempts are fewer than four"

    end(breaker, "-")

    assert breaker.enter() is None
    assert heard.events == [(4, 4, 2)]


def test_it_stays_closed_below_the_ratio(breaker: CircuitBreaker) -> None:
    end(breaker, "+++--+")

    assert breaker.enter() is not None


def test_failures_are_forgotten_after_the_window(breaker: CircuitBreaker, clock: Clock) -> None:
    end(breaker, "---")
    clock.now += 6
    end(breaker, "++++")
    clock.now += 5  # the failures are 11 s old, the successes 5

    end(breaker, "-")

    assert not breaker.is_open


def test_one_probe_passes_after_the_delay_and_its_success_closes(
    breaker: CircuitBreaker, clock: Clock, heard: Heard
) -> None:
    end(breaker, "----")
    clock.now += 1.9
    assert breaker.enter() is None
    assert breaker.seconds_until_probe == pytest.approx(0.1)
    clock.now += 0.2

    probe = breaker.enter()

    assert probe is not None
    assert breaker.enter() is None, "a second one waits for the probe's end"
    breaker.succeeded(probe)
    assert breaker.enter() is not None
    assert heard.events == [(4, 4, 2), "closed"]


def test_a_failed_probe_opens_it_again_for_the_whole_delay(breaker: CircuitBreaker, clock: Clock) -> None:
    end(breaker, "----")
    clock.now += 2
    end(breaker, "-")

    clock.now += 1.9
    assert breaker.enter() is None
    clock.now += 0.1
    assert breaker.enter() is not None


def test_a_probe_that_was_given_up_makes_room_for_the_next(breaker: CircuitBreaker, clock: Clock) -> None:
    end(breaker, "----")
    clock.now += 2
    probe = breaker.enter()
    assert probe is not None

    breaker.abandoned(probe)

    assert breaker.enter() is not None


def test_attempts_from_before_it_opened_do_not_count(breaker: CircuitBreaker, clock: Clock) -> None:
    stragglers = [breaker.enter() for _ in range(2)]
    end(breaker, "----")
    clock.now += 2
    probe = breaker.enter()
    assert probe is not None

    for straggler in stragglers:
        assert straggler is not None
        breaker.succeeded(straggler)
        breaker.failed(straggler)

    assert breaker.is_open
    assert breaker.enter() is None, "the probe is still under way"
