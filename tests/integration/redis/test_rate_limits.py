"""Limits that all processes of a service share, and what becomes of them without Redis."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from fastapi_factory_utilities.core.api.rate_limits import Rate, RateLimitSettings, rate_limit
from fastapi_factory_utilities.core.api.rate_limits.counting import Counter
from fastapi_factory_utilities.core.api.rate_limits.memory import BoundedMemory
from fastapi_factory_utilities.core.api.rate_limits.redis import RedisCounter
from fastapi_factory_utilities.core.app import ApplicationAbstract, RootConfig
from fastapi_factory_utilities.core.exceptions import ApplicationError
from fastapi_factory_utilities.core.plugins.redis_client import make_client
from fastapi_factory_utilities.core.plugins.redis_plugin import RedisPlugin
from fastapi_factory_utilities.testing import FaultProxy, running_app
from tests.integration.redis.conftest import config_of, eventually

SETTINGS = RateLimitSettings(storage="redis", redis_retry_seconds=0.5, prefix="shop:web:limits")


def process(redis: Redis, timeout_ms: int = 500) -> RedisCounter:
    """What one process of a service has."""
    return RedisCounter(redis, replace(SETTINGS, redis_timeout_ms=timeout_ms), Counter(BoundedMemory(100)))


@pytest.fixture
async def behind(line: FaultProxy) -> AsyncIterator[Redis]:
    async with make_client(config_of(line.uri, operation_timeout_ms=2000)) as client:
        yield client


@pytest.fixture
def line(redis_uri: str, fault_proxy: Callable[[str], FaultProxy]) -> FaultProxy:
    return fault_proxy(redis_uri)


async def test_processes_count_together_and_at_once(redis: Redis) -> None:
    # Patient, since on a busy machine a hundred at once take their time.
    processes = [process(redis, 10_000) for _ in range(4)]

    waits = await asyncio.gather(*(processes[number % 4].take(Rate(30, 60), "ann") for number in range(100)))

    assert waits.count(None) == 30
    assert all(wait is None or 0 < wait <= 60 for wait in waits)
    assert await processes[0].take(Rate(30, 60), "bob") is None


async def test_whoever_waits_as_long_as_told_is_served(redis: Redis) -> None:
    counter = process(redis, 10_000)
    for _ in range(4):
        while (wait := await counter.take(Rate(5, 1), "ann")) is None:
            pass
        await asyncio.sleep(wait + 0.01)
        assert await counter.take(Rate(5, 1), "ann") is None


async def test_keys_are_the_service_s_own_and_are_gone_after_two_windows(redis: Redis) -> None:
    await process(redis, 10_000).take(Rate(5, 60), "ann")

    (key,) = await redis.keys()

    assert "shop:web:limits:" in str(key)
    assert 0 < await redis.pttl(key) <= 120_000


@pytest.mark.parametrize("fault", ["refuse", "freeze"])
async def test_without_redis_each_process_counts_for_itself_and_one_request_waits(
    line: FaultProxy, behind: Redis, fault: str
) -> None:
    counter = process(behind)
    assert await counter.take(Rate(2, 60), "ann") is None
    getattr(line, fault)()

    with capture_logs() as events:
        began = time.monotonic()
        allowed = [await counter.take(Rate(2, 60), "ann") is None for _ in range(50)]
        took = time.monotonic() - began

        assert allowed.count(True) == 2
        # Fifty times the timeout would be 25 s; here it is one, and one more for each half second that has passed.
        assert took < 5
        line.heal()
        await eventually(lambda: counter.take(Rate(1000, 60), "bob"), lambda _: len(events) > 1)

    assert [(event["log_level"], event["event"]) for event in events] == [
        ("warning", "rate limits not shared"),
        ("info", "rate limits shared again"),
    ]
    # No answer that came too late is taken for that of another question.
    assert [await counter.take(Rate(3, 60), "eve") is None for _ in range(5)] == [True, True, True, False, False]


async def test_one_request_finds_out_whether_redis_is_back_and_the_others_do_not_wait(
    line: FaultProxy, behind: Redis
) -> None:
    counter = process(behind)
    line.freeze()
    await counter.take(Rate(100, 60), "ann")
    await asyncio.sleep(SETTINGS.redis_retry_seconds)
    order: list[int] = []

    async def take(number: int) -> None:
        await counter.take(Rate(100, 60), "ann")
        order.append(number)

    await asyncio.gather(*(take(number) for number in range(50)))

    assert order == [*range(1, 50), 0]


async def test_a_redis_that_refuses_stops_no_request(redis: Redis) -> None:
    counter = process(redis, 10_000)
    await redis.set(f"{SETTINGS.prefix}:{{/ann/2/60/second}}", "no number", px=100_000)

    with capture_logs() as events:
        waits = [await counter.take(Rate(2, 60), "ann") for _ in range(3)]

    assert [wait is None for wait in waits] == [True, True, False]
    assert [(event["event"], event["reason"]) for event in events] == [("rate limits not shared", "ResponseError")]


def config(**limits: object) -> RootConfig:
    application = {
        "service_namespace": "shop",
        "service_name": "web",
        "description": "Sells books.",
        "version": "1",
        "environment": "production",
    }
    return RootConfig.model_validate({"application": application, "rate_limits": limits})


class App(ApplicationAbstract[RootConfig]):
    def configure(self) -> None:
        @self.get_asgi_app().get("/limited", dependencies=[rate_limit("3/minute")])
        async def limited() -> None:
            pass


async def test_two_replicas_of_an_application_share_a_limit(redis_uri: str) -> None:
    replicas = [
        App(config(storage="redis", redis_timeout_ms=10_000), [RedisPlugin(config=config_of(redis_uri))])
        for _ in range(2)
    ]

    async with running_app(replicas[0]) as one, running_app(replicas[1]) as other:
        statuses = [(await client.get("/limited")).status_code for client in (one, other, one, other, one)]

    assert statuses == [200, 200, 200, 429, 429]


async def test_an_application_that_has_no_redis_to_count_in_does_not_start() -> None:
    with pytest.raises(ApplicationError, match="list RedisPlugin"):
        App(config(storage="redis"))
    App(config(storage="redis", enabled=False))
