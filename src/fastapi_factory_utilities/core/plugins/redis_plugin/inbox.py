"""`RedisInbox`: remembers in Redis which messages were processed."""

from fastapi_factory_utilities.core.plugins.redis_client import required  # noqa: F401 - says how to install the rest

# isort: split
from redis.asyncio import Redis

from fastapi_factory_utilities.core.plugins.inbox import Claim
from fastapi_factory_utilities.core.plugins.inbox_claims import Claims
from fastapi_factory_utilities.core.plugins.redis_client.driver_errors import redis_errors

__all__ = ["RedisInbox"]

_DONE = b"done"
# A claim of ours is ours again: the answer to it was lost.
_CLAIM = """
local found = redis.call('GET', KEYS[1])
if not found or found == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return false
end
return found
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0
"""


class RedisInbox:
    """Remembers messages by a key, in Redis; an `Inbox`.

    It remembers as well as the server does: what a Redis without an append-only file forgets when it is restarted, or
    what a fail-over loses, is processed again should it be delivered again.

    Args:
        client: What talks to Redis.
        prefix: What the keys in Redis begin with.
        lease_seconds: How long a claim lasts: longer than processing a message ever takes. A consumer that dies keeps
            its message from others for so long.
        retention_seconds: How long a processed message is remembered: longer than it may be delivered again.
    """

    def __init__(
        self,
        client: Redis,
        *,
        prefix: str = "inbox:",
        lease_seconds: float = 60.0,
        retention_seconds: float = 7 * 86_400.0,
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._lease_ms = int(lease_seconds * 1000)
        self._retention_ms = int(retention_seconds * 1000)
        self._claims = Claims(lease_seconds)
        self._claim = client.register_script(_CLAIM)
        self._release = client.register_script(_RELEASE)

    async def claim(self, key: str) -> Claim:
        """Claim a message; see `Inbox.claim`.

        Raises:
            RedisUnavailableError: Redis does not answer.
        """
        if not self._claims.begin(key):
            return Claim.BUSY
        claim = Claim.BUSY
        try:
            with redis_errors("claim a message"):
                found = await self._claim(keys=[self._prefix + key], args=[self._claims.owner, self._lease_ms])
            claim = Claim.NEW if found is None else Claim.DONE if found in (_DONE, _DONE.decode()) else Claim.BUSY
        finally:
            if claim is not Claim.NEW:
                self._claims.end(key)
        return claim

    async def done(self, key: str) -> None:
        """Remember a message as processed, whoever has claimed it meanwhile: the effect is there.

        Raises:
            RedisUnavailableError: Redis does not answer.
        """
        with redis_errors("remember a message"):
            await self._client.set(self._prefix + key, _DONE, px=self._retention_ms)
        self._claims.end(key)

    async def release(self, key: str) -> None:
        """Give a claimed message back, unless the claim is over and somebody else has it.

        Raises:
            RedisUnavailableError: Redis does not answer.
        """
        if self._claims.end(key):
            with redis_errors("give a message back"):
                await self._release(keys=[self._prefix + key], args=[self._claims.owner])
