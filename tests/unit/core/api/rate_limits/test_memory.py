"""Counting in memory, and when the next request is allowed."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastapi_factory_utilities.core.api.rate_limits.counting import Counter
from fastapi_factory_utilities.core.api.rate_limits.memory import BoundedMemory
from fastapi_factory_utilities.core.api.rate_limits.rate import Rate


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_no_more_than_the_rate_is_allowed_and_each_client_for_itself() -> None:
    counter = Counter(BoundedMemory(10, Clock()))

    assert [await counter.take(Rate(2, 60), "a") is None for _ in range(4)] == [True, True, False, False]
    assert await counter.take(Rate(2, 60), "b") is None
    assert await counter.take(Rate(3, 60), "a") is None


async def test_the_border_of_two_windows_allows_no_burst() -> None:
    clock = Clock()
    clock.now = 1019.9  # windows of 60 s begin at 1020
    counter = Counter(BoundedMemory(10, clock))
    assert [await counter.take(Rate(10, 60), "a") is None for _ in range(10)] == [True] * 10

    clock.now = 1020.1

    assert [await counter.take(Rate(10, 60), "a") is None for _ in range(10)].count(True) == 1
    clock.now = 1020 + 31
    assert [await counter.take(Rate(10, 60), "a") is None for _ in range(10)].count(True) == 5


async def test_what_is_long_ago_does_not_count() -> None:
    clock = Clock()
    counter = Counter(BoundedMemory(10, clock))
    assert await counter.take(Rate(1, 60), "a") is None

    clock.now = 1080.0  # the beginning of the window after the next

    assert await counter.take(Rate(1, 60), "a") is None


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20), st.integers(1, 100), st.integers(0, 2**32))
async def test_whoever_waits_as_long_as_told_is_served(amount: int, seconds: int, seed: int) -> None:
    clock, chance = Clock(), random.Random(seed)  # noqa: S311 - no secret
    counter = Counter(BoundedMemory(10, clock))
    for _ in range(5 * amount):
        wait = await counter.take(Rate(amount, seconds), "a")
        if wait is not None:
            assert 0 <= wait <= 2 * seconds
            clock.now += wait + 1e-6
            assert await counter.take(Rate(amount, seconds), "a") is None
        clock.now += chance.random() * seconds / amount


async def test_memory_never_grows_beyond_its_bound_and_forgets_who_stayed_away_longest() -> None:
    memory = BoundedMemory(100, Clock())
    counter = Counter(memory)
    await counter.take(Rate(1, 60), "regular")

    for number in range(1000):
        await counter.take(Rate(1, 60), f"stranger {number}")
        if number % 50 == 0:
            await counter.take(Rate(2, 60), "other")

    assert len(memory) == 100
    assert await counter.take(Rate(1, 60), "stranger 999") is not None
    assert await counter.take(Rate(1, 60), "stranger 1") is None


async def test_it_is_a_storage_as_the_library_wants_it() -> None:
    memory = BoundedMemory(10, Clock())

    assert await memory.incr("a", 60) == 1
    assert await memory.incr("a", 60, 2) == 3
    assert await memory.get("a") == 3
    assert await memory.check()
    await memory.clear("a")
    assert await memory.get("a") == 0
    await memory.incr("b", 60)
    await memory.clear_sliding_window("b", 60)
    assert await memory.incr("c", 60) == 1
    assert await memory.reset() == 1
    assert await memory.get_expiry("c") == pytest.approx(time.time(), abs=60)
