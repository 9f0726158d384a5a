"""Redis with replicas and a Sentinel: the primary dies under load, and work goes on."""

import asyncio
import time

import pytest
from redis.asyncio import Redis

from fastapi_factory_utilities.core.plugins.redis_client import RedisConfig, make_client
from fastapi_factory_utilities.core.plugins.taskiq_plugins.broker import StreamBroker
from fastapi_factory_utilities.core.plugins.taskiq_plugins.errors import TaskQueueUnavailableError
from fastapi_factory_utilities.testing.servers import RedisSentinelServers
from tests.integration.redis.conftest import QUEUE, eventually, message
from tests.integration.redis.working import working


def broker_on(redis: Redis, replicas: int) -> StreamBroker:
    return StreamBroker(redis, queue=QUEUE, visibility_timeout_seconds=2.0, replicas=replicas)


async def test_what_a_majority_has_confirmed_survives_the_death_of_the_primary_and_work_goes_on() -> None:
    with RedisSentinelServers(replicas=2) as servers:
        async with make_client(RedisConfig.model_validate(servers.section)) as redis:
            broker = broker_on(redis, replicas=1)
            await eventually(broker.prepare, lambda _: True)
            confirmed: list[str] = []
            refused = 0
            killed_at = 0.0
            gone_on_after = 0.0
            async with working(broker) as worker:
                number = 0
                while not killed_at or time.monotonic() < killed_at + 6.0:
                    number += 1
                    try:
                        await broker.kick(message(f"{number}", "0.01"))
                    except TaskQueueUnavailableError:
                        refused += 1
                    else:
                        confirmed.append(f"{number}")
                        if killed_at and not gone_on_after:
                            gone_on_after = time.monotonic() - killed_at
                    if number == 300:
                        await asyncio.to_thread(servers.kill_primary)
                        killed_at = time.monotonic()
                    await asyncio.sleep(0.005)
                await worker.has_done(*confirmed, seconds=15)
            assert refused, "the primary was dead for a while"
            assert 0.0 < gone_on_after < 8.0, "the Sentinel's half second, the election, and our next try"


async def test_a_task_that_no_replica_confirms_is_not_said_to_be_stored() -> None:
    with RedisSentinelServers(replicas=0) as servers:
        async with make_client(RedisConfig.model_validate(servers.section)) as redis:
            broker = broker_on(redis, replicas=1)
            began = time.monotonic()
            with pytest.raises(TaskQueueUnavailableError, match="only 0 of 1 replicas"):
                await broker.kick(message("a"))
            assert time.monotonic() - began < 3.0
