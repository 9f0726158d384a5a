"""A queue of tasks for each test."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from redis.asyncio import Redis
from taskiq import BrokerMessage

from fastapi_factory_utilities.core.plugins.redis_client import RedisConfig, make_client
from fastapi_factory_utilities.core.plugins.taskiq_plugins.broker import StreamBroker
from fastapi_factory_utilities.testing import Server

QUEUE = "{tasks:test}"


def config_of(uri: str, **more: object) -> RedisConfig:
    return RedisConfig.model_validate({"url": uri, **more})


def message(task_id: str, data: str = "0") -> BrokerMessage:
    return BrokerMessage(task_id=task_id, task_name="job", message=data.encode(), labels={})


async def eventually[T](ask: Callable[[], Awaitable[T]], holds: Callable[[T], bool], seconds: float = 10.0) -> T:
    """Ask until the answer is right; an error is no answer."""
    deadline = time.monotonic() + seconds
    answer: object = None
    while time.monotonic() < deadline:
        try:
            answer = found = await ask()
        except Exception as error:  # noqa: BLE001 - an outage is what these tests are about
            answer = error
        else:
            if holds(found):
                return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {seconds:g} s; at last: {answer!r}")


@pytest.fixture
async def redis(redis_uri: str) -> AsyncIterator[Redis]:
    async with make_client(config_of(redis_uri)) as client:
        yield client


@pytest.fixture
async def broker(redis: Redis) -> StreamBroker:
    broker = StreamBroker(redis, queue=QUEUE, visibility_timeout_seconds=1.0)
    await broker.prepare()
    return broker


@pytest.fixture
async def private_redis(private_redis_server: Server) -> AsyncIterator[Redis]:
    async with make_client(config_of(private_redis_server.uri)) as client:
        yield client
