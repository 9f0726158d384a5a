"""Where schedules live: those that were made while the service runs, when each was last due, and who fires them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from fastapi_factory_utilities.core.plugins.taskiq_plugins import required  # noqa: F401 - says how to install the rest

# isort: split
from redis.asyncio import Redis

from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams import queue_errors

__all__ = ["Lead", "MemoryScheduleStore", "RedisScheduleStore", "ScheduleStore"]


@dataclass(frozen=True, slots=True)
class Lead:
    """Who fires schedules now.

    Attributes:
        token: Ours, when it is us; it grows with every change of the leader. 0 when it is somebody else.
        version: Of the stored schedules; it changes with them.
    """

    token: int
    version: int


class ScheduleStore(Protocol):
    """What keeps schedules; all of it raises `TaskQueueUnavailableError` when Redis does not answer."""

    async def lead(self, owner: str, seconds: float) -> Lead:
        """Become the leader for so long, or stay it, unless another is."""
        ...

    async def resign(self, owner: str, token: int) -> None:
        """Let another lead at once."""
        ...

    async def records(self) -> Mapping[str, bytes]:
        """The stored schedules by their id."""
        ...

    async def seen(self, ids_at: Mapping[str, float]) -> Mapping[str, float]:
        """When each was last due (seconds of the epoch); for one that is new, what is given with it."""
        ...

    async def add(self, schedule_id: str, record: bytes, seen_at: float) -> None:
        """Store a schedule."""
        ...

    async def remove(self, schedule_id: str) -> bool:
        """Forget a schedule; whether there was one of that id."""
        ...

    async def fired(self, schedule_id: str, due_at: float, *, owner: str, token: int, for_good: bool) -> bool:
        """Remember when a schedule was last due, and forget it if that was for good; False when we do not lead."""
        ...


# KEYS lease fence version; ARGV owner ms
_LEAD: Final = """
local version = tonumber(redis.call('GET', KEYS[3]) or '0')
local held = redis.call('GET', KEYS[1])
if not held then
    local token = redis.call('INCR', KEYS[2])
    redis.call('SET', KEYS[1], ARGV[1] .. ':' .. token, 'PX', ARGV[2])
    return {token, version}
end
local mine = ARGV[1] .. ':'
if string.sub(held, 1, #mine) == mine then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    return {tonumber(string.sub(held, #mine + 1)), version}
end
return {0, version}
"""

# KEYS lease; ARGV lease's value
_RESIGN: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""

# KEYS lease fired schedules version; ARGV lease's value, id, due at, for good
_FIRED: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[4] == '1' then
    redis.call('HDEL', KEYS[2], ARGV[2])
    if redis.call('HDEL', KEYS[3], ARGV[2]) == 1 then redis.call('INCR', KEYS[4]) end
    return 1
end
local last = redis.call('HGET', KEYS[2], ARGV[2])
if not last or tonumber(last) < tonumber(ARGV[3]) then redis.call('HSET', KEYS[2], ARGV[2], ARGV[3]) end
return 1
"""


class RedisScheduleStore:
    """Schedules in Redis, beside the queue.

    Args:
        client: A client of Redis; it is not closed here.
        prefix: What all keys begin with.
    """

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._lease, self._fence = f"{prefix}:schedules:lease", f"{prefix}:schedules:fence"
        self._records, self._seen = f"{prefix}:schedules", f"{prefix}:schedules:seen"
        self._version = f"{prefix}:schedules:version"
        self._lead, self._resign, self._fired = (client.register_script(text) for text in (_LEAD, _RESIGN, _FIRED))

    async def lead(self, owner: str, seconds: float) -> Lead:
        """See `ScheduleStore.lead`."""
        with queue_errors("find who fires its schedules", self._prefix):
            token, version = await self._lead(
                keys=[self._lease, self._fence, self._version], args=[owner, round(seconds * 1000)]
            )
        return Lead(int(token), int(version))

    async def resign(self, owner: str, token: int) -> None:
        """See `ScheduleStore.resign`."""
        with queue_errors("let another fire its schedules", self._prefix):
            await self._resign(keys=[self._lease], args=[f"{owner}:{token}"])

    async def records(self) -> Mapping[str, bytes]:
        """See `ScheduleStore.records`."""
        with queue_errors("read its schedules", self._prefix):
            found: Any = await self._client.hgetall(self._records)  # bytes, as `make_client` has it
        return {schedule_id.decode(errors="replace"): record for schedule_id, record in found.items()}

    async def seen(self, ids_at: Mapping[str, float]) -> Mapping[str, float]:
        """See `ScheduleStore.seen`."""
        if not ids_at:
            return {}
        with queue_errors("read when its schedules were due", self._prefix):
            async with self._client.pipeline(transaction=True) as pipe:
                for schedule_id, at in ids_at.items():
                    pipe.hsetnx(self._seen, schedule_id, repr(at))
                pipe.hmget(self._seen, list(ids_at))
                *_, times = await pipe.execute()
        return dict(zip(ids_at, map(float, times), strict=True))

    async def add(self, schedule_id: str, record: bytes, seen_at: float) -> None:
        """See `ScheduleStore.add`."""
        with queue_errors("store a schedule", self._prefix):
            async with self._client.pipeline(transaction=True) as pipe:
                pipe.hset(self._records, schedule_id, record)
                pipe.hset(self._seen, schedule_id, repr(seen_at))
                pipe.incr(self._version)
                await pipe.execute()

    async def remove(self, schedule_id: str) -> bool:
        """See `ScheduleStore.remove`."""
        with queue_errors("forget a schedule", self._prefix):
            async with self._client.pipeline(transaction=True) as pipe:
                pipe.hdel(self._records, schedule_id)
                pipe.hdel(self._seen, schedule_id)
                pipe.incr(self._version)
                removed, *_ = await pipe.execute()
        return bool(removed)

    async def fired(self, schedule_id: str, due_at: float, *, owner: str, token: int, for_good: bool) -> bool:
        """See `ScheduleStore.fired`."""
        with queue_errors("remember that a schedule was due", self._prefix):
            leads = await self._fired(
                keys=[self._lease, self._seen, self._records, self._version],
                args=[f"{owner}:{token}", schedule_id, repr(due_at), "1" if for_good else "0"],
            )
        return bool(leads)


class MemoryScheduleStore:
    """Schedules in memory: there is one process, and it leads."""

    def __init__(self) -> None:
        self._stored: dict[str, bytes] = {}
        self._seen: dict[str, float] = {}
        self._version = 0

    async def lead(self, owner: str, seconds: float) -> Lead:  # noqa: ARG002 - nobody else wants to
        """See `ScheduleStore.lead`."""
        return Lead(1, self._version)

    async def resign(self, owner: str, token: int) -> None:
        """See `ScheduleStore.resign`."""

    async def records(self) -> Mapping[str, bytes]:
        """See `ScheduleStore.records`."""
        return dict(self._stored)

    async def seen(self, ids_at: Mapping[str, float]) -> Mapping[str, float]:
        """See `ScheduleStore.seen`."""
        return {schedule_id: self._seen.setdefault(schedule_id, at) for schedule_id, at in ids_at.items()}

    async def add(self, schedule_id: str, record: bytes, seen_at: float) -> None:
        """See `ScheduleStore.add`."""
        self._stored[schedule_id] = record
        self._seen[schedule_id] = seen_at
        self._version += 1

    async def remove(self, schedule_id: str) -> bool:
        """See `ScheduleStore.remove`."""
        self._seen.pop(schedule_id, None)
        self._version += 1
        return self._stored.pop(schedule_id, None) is not None

    async def fired(
        self, schedule_id: str, due_at: float, *, owner: str, token: int, for_good: bool  # noqa: ARG002 - likewise
    ) -> bool:
        """See `ScheduleStore.fired`."""
        if for_good:
            await self.remove(schedule_id)
        else:
            self._seen[schedule_id] = max(due_at, self._seen.get(schedule_id, due_at))
        return True
