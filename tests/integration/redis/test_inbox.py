"""The inbox in Redis."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.plugins.inbox import Claim
from fastapi_factory_utilities.core.plugins.redis_client import RedisUnavailableError
from fastapi_factory_utilities.core.plugins.redis_plugin.inbox import RedisInbox
from fastapi_factory_utilities.testing import FaultProxy
from tests.contracts.inbox import InboxContract


@pytest.fixture
async def client(redis_uri: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_uri) as client:
        yield client


class TestContract(InboxContract):
    _client: Redis

    @pytest.fixture(autouse=True)
    def _use(self, client: Redis) -> None:
        self._client = client

    def make(self, *, lease_seconds: float = 30.0, retention_seconds: float = 30.0) -> RedisInbox:
        return RedisInbox(self._client, lease_seconds=lease_seconds, retention_seconds=retention_seconds)


async def test_what_was_processed_is_forgotten_after_its_retention(client: Redis) -> None:
    inbox = RedisInbox(client, prefix="mine:", lease_seconds=10, retention_seconds=100)
    await inbox.claim("a")
    assert 9_000 < await client.pttl("mine:a") <= 10_000
    await inbox.done("a")
    assert 99_000 < await client.pttl("mine:a") <= 100_000
    brief = RedisInbox(client, retention_seconds=0.05)
    await brief.done("b")
    async with asyncio.timeout(5):
        while await brief.claim("b") is not Claim.NEW:
            await asyncio.sleep(0.01)


async def test_it_reads_the_answers_of_a_client_that_decodes_them(redis_uri: str) -> None:
    async with Redis.from_url(redis_uri, decode_responses=True) as client:
        inbox = RedisInbox(client)
        assert await inbox.claim("a") is Claim.NEW
        assert await RedisInbox(client).claim("a") is Claim.BUSY
        await inbox.done("a")
        assert await inbox.claim("a") is Claim.DONE


async def test_a_server_that_is_away_is_an_error_of_ours(
    redis_uri: str, fault_proxy: Callable[[str], FaultProxy]
) -> None:
    line = fault_proxy(redis_uri)
    async with Redis.from_url(line.uri, socket_timeout=0.3, socket_connect_timeout=0.3) as client:
        inbox = RedisInbox(client)
        assert await inbox.claim("a") is Claim.NEW
        line.refuse()
        for ask in (inbox.claim("b"), inbox.done("a"), inbox.release("a")):
            with pytest.raises(RedisUnavailableError) as caught:
                await ask
            assert isinstance(caught.value, BackendUnavailableError)
        line.heal()
        assert await inbox.claim("b") is Claim.NEW, "nobody is at it"
