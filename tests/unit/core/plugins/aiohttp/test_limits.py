"""Calls at a time, and in a second."""

import asyncio

import pytest

from fastapi_factory_utilities.core.app.configuration.sections.resilience import HttpConcurrencyConfig, HttpRateConfig
from fastapi_factory_utilities.core.plugins.aiohttp.limits import ConcurrencyLimit, LimitReachedError, RateLimit


def test_after_a_burst_calls_begin_evenly() -> None:
    now = 0.0
    rate = RateLimit(HttpRateConfig(per_second=10, burst=2, queue_seconds=0.35), clock=lambda: now)

    waits = [rate.reserve(10) for _ in range(5)]

    assert waits == pytest.approx([0, 0, 0.1, 0.2, 0.3])
    with pytest.raises(LimitReachedError):
        rate.reserve(10)
    now = 10.0
    assert [rate.reserve(10) for _ in range(3)] == pytest.approx([0, 0, 0.1])
    with pytest.raises(LimitReachedError):
        rate.reserve(0.1)


async def test_calls_wait_in_their_order_and_a_full_queue_refuses_at_once() -> None:
    limit = ConcurrencyLimit(HttpConcurrencyConfig(limit=1, queue=2))
    await limit.enter(1)
    order: list[int] = []

    async def wait(number: int) -> None:
        await limit.enter(5)
        order.append(number)
        limit.leave()

    waiting = [asyncio.create_task(wait(number)) for number in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(LimitReachedError, match="2 wait already"):
        await limit.enter(5)
    limit.leave()
    await asyncio.gather(*waiting)

    assert order == [0, 1]


async def test_who_waits_too_long_leaves_the_queue() -> None:
    limit = ConcurrencyLimit(HttpConcurrencyConfig(limit=1, queue=1))
    await limit.enter(1)
    for _ in range(2):
        with pytest.raises(LimitReachedError, match="none ended in time"):
            await limit.enter(0.01)
    limit.leave()

    await limit.enter(0.01)
