"""Lines that break in every way, and a service that fails for good."""

import asyncio
import time
from collections.abc import Callable, Iterator

import aiohttp
import pytest

from fastapi_factory_utilities.core.plugins.aiohttp import (
    AioHttpClientCircuitOpenError,
    AioHttpClientError,
    AioHttpClientResource,
)
from fastapi_factory_utilities.testing import FaultProxy
from fastapi_factory_utilities.testing.proxy import Direction
from tests.integration.aiohttp.conftest import Client, Service

FAULTS: dict[str, tuple[Callable[[FaultProxy], None], bool]] = {
    "refused": (FaultProxy.refuse, False),
    "frozen": (FaultProxy.freeze, False),
    "reset": (FaultProxy.reset, False),
    "cut": (lambda proxy: proxy.cut_after(30), False),
    "latency": (lambda proxy: proxy.latency(0.02), True),
    "bandwidth": (lambda proxy: proxy.bandwidth(20_000), True),
    "slow close": (lambda proxy: proxy.slow_close(60), True),
    "sliced": (lambda proxy: proxy.slice(50), True),
}


@pytest.fixture
def proxy(service: Service) -> Iterator[FaultProxy]:
    with FaultProxy.for_uri(service.url) as proxy:
        yield proxy


async def get(resource: AioHttpClientResource) -> str:
    """Call, and read all of the answer."""
    async with resource.acquire_client_session() as session, session.get("x") as response:
        seen: str = (await response.json())["path"]
        return seen


@pytest.mark.parametrize("fault", sorted(FAULTS))
async def test_a_bad_line_ends_in_an_answer_or_our_error_in_time_and_heals(
    client: Client, proxy: FaultProxy, fault: str
) -> None:
    break_it, bearable = FAULTS[fault]
    timeout = {"attempt_seconds": 0.4, "total_seconds": 0.8, "connect_seconds": 0.4}
    async with client(proxy.uri, timeout=timeout, breaker={"open_seconds": 0.1, "minimum_attempts": 2}) as resource:
        assert await get(resource) == "/x"
        for _ in range(2):  # from an idle connection, and from none
            break_it(proxy)
            began = time.monotonic()
            if bearable:
                assert await get(resource) == "/x"
            else:
                with pytest.raises(AioHttpClientError, match="books: ") as told:
                    await get(resource)
                assert isinstance(told.value, aiohttp.ClientError)
            assert time.monotonic() - began < 1.5
            proxy.heal()
            await asyncio.sleep(0.12)
            assert await get(resource) == "/x"
        assert resource.pipeline.in_flight.count == 0


async def test_an_answer_that_breaks_off_counts_against_the_service(client: Client, proxy: FaultProxy) -> None:
    async with client(proxy.uri, breaker={"minimum_attempts": 3, "failure_ratio": 0.3}) as resource:
        await get(resource)
        proxy.cut_after(400, Direction.TO_CLIENT)  # in the middle of the body
        async with resource.acquire_client_session() as session:
            response = await session.post("", data="y" * 1000)
            with pytest.raises(aiohttp.ClientPayloadError, match="books: the connection broke off"):
                await response.read()
        assert resource.breaker is not None
        assert resource.breaker.is_open, "one of three ends was bad: two answers that began, one that did not end"


@pytest.mark.parametrize("breaker", [True, False])
async def test_in_an_outage_calls_grow_by_no_more_than_a_fifth(service: Service, client: Client, breaker: bool) -> None:
    service.answers(503)
    calls, per_second = 200, 200
    statuses: list[int | None] = []

    async def call(resource: AioHttpClientResource) -> None:
        async with resource.acquire_client_session() as session:
            try:
                async with session.get("") as response:
                    statuses.append(response.status)
            except AioHttpClientCircuitOpenError:
                statuses.append(None)

    async with client(breaker={"enabled": breaker}, retry={"backoff_seconds": 0.01}) as resource:
        async with asyncio.TaskGroup() as group:
            for _ in range(calls):
                group.create_task(call(resource))
                await asyncio.sleep(1 / per_second)
        if breaker:
            fastest = min([await _seconds_to_fail(resource) for _ in range(20)])
            assert fastest < 0.001

    assert len(statuses) == calls
    assert len(service.asked) <= (0.2 if breaker else 1.2) * calls
    assert breaker or len(service.asked) > calls, "some were repeated"


async def _seconds_to_fail(resource: AioHttpClientResource) -> float:
    async with resource.acquire_client_session() as session:
        began = time.perf_counter()
        with pytest.raises(AioHttpClientCircuitOpenError):
            await session.get("")
        return time.perf_counter() - began
