"""Schedules: each due time once, however many processes could fire it."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from fastapi_factory_utilities.core.plugins import ProcessRole
from fastapi_factory_utilities.core.plugins.redis_client import RedisConfig, make_client
from fastapi_factory_utilities.core.plugins.taskiq_plugins import Cron, Every, SchedulerComponent, task
from fastapi_factory_utilities.core.plugins.taskiq_plugins.broker import StreamBroker
from fastapi_factory_utilities.core.plugins.taskiq_plugins.schedule_source import TaskScheduleSource
from fastapi_factory_utilities.core.plugins.taskiq_plugins.schedule_store import Lead, RedisScheduleStore
from fastapi_factory_utilities.core.plugins.taskiq_plugins.scheduling import TaskScheduling
from tests.integration.taskiq.conftest import Effects, Process, running
from tests.integration.taskiq.service import record

type Start = Callable[..., Process]

LEASE_SECONDS = 1.0
SCHEDULES = {"TEST_SCHEDULES": "1", "APP__TASKIQ__SCHEDULER_LEASE_SECONDS": str(LEASE_SECONDS)}


def steps(effects: Effects, beginning: str) -> list[int]:
    return sorted(int(line.split()[-1]) for line in effects.lines(beginning))


async def test_three_schedules_of_one_second_all_fire_and_once_with_three_replicas_also_when_one_is_killed(
    redis_uri: str, start: Start, effects: Effects
) -> None:
    replicas = [start("scheduler", **SCHEDULES) for _ in range(3)]
    async with running(redis_uri, ProcessRole.WORKER, scheduled=True):
        for replica in replicas:
            await asyncio.to_thread(replica.ready)
        seen = len(effects.lines("first"))
        for beginning in ("first", "second", "third hello"):
            await effects.wait_for(beginning, seen + 2)
            assert max(Counter(steps(effects, beginning)).values()) == 1
        (leader,) = (replica for replica in replicas if replica.events("this process fires the schedules"))
        followers = [replica for replica in replicas if replica is not leader]
        await asyncio.to_thread(leader.end, signal.SIGKILL)
        killed_at = time.monotonic()
        seen = len(effects.lines("first"))
        while not any(replica.events("this process fires the schedules") for replica in followers):
            assert time.monotonic() - killed_at < LEASE_SECONDS + 4
            await asyncio.sleep(0.02)
        await effects.wait_for("first", seen + 2)
    for beginning in ("first", "second", "third hello"):
        assert max(Counter(steps(effects, beginning)).values()) == 1, "each step once"


async def test_schedules_are_made_listed_and_called_off_while_the_service_runs(
    redis_uri: str, tasks: SchedulerComponent, effects: Effects
) -> None:
    async with running(redis_uri, ProcessRole.WORKER, schedule_in="worker"):
        registered = tasks.get_task(record)
        once = await registered.schedule_at(datetime.now(UTC) + timedelta(seconds=1), "once")
        again = await registered.schedule_every(timedelta(seconds=1), "again")
        called_off = await registered.schedule_at(datetime.now(UTC) + timedelta(seconds=60), "called off")
        by_clock = await registered.schedule_cron("0 0 29 2 *", "leap day")
        listed = {schedule.schedule_id for schedule in await tasks.scheduler_source.get_schedules()}
        assert listed == {each.schedule_id for each in (once, again, called_off, by_clock)}
        await called_off.unschedule()
        await effects.wait_for("once")
        await effects.wait_for("again", 2)
        await again.unschedule()
        left = [schedule.schedule_id for schedule in await tasks.scheduler_source.get_schedules()]
        assert left == [by_clock.schedule_id], "one that fired is forgotten"
        assert effects.lines("once") == ["once"]


# --- the clock in our hands, on a real Redis ---


class Replica:
    """A process's share in the scheduling, with a clock to set."""

    def __init__(self, client: Redis, now: datetime, *declared: Any, catch_up_seconds: float = 3600.0) -> None:
        self.now = now
        self.broker = StreamBroker(client, queue="{tasks:clock}")
        self.store = RedisScheduleStore(client, self.broker.prefix)
        source = TaskScheduleSource(self.store)
        self.component = SchedulerComponent().configure(self.broker, source)
        for each in declared:
            self.component.register_task(each)
        self.scheduling = TaskScheduling(
            self.component,
            self.broker,
            source,
            self.store,
            lease_seconds=LEASE_SECONDS,
            catch_up_seconds=catch_up_seconds,
            clock=lambda: self.now,
        )

    async def turn(self) -> None:
        await self.scheduling._turn()


@pytest.fixture
async def client(redis_uri: str) -> AsyncIterator[Redis]:
    async with make_client(RedisConfig(url=redis_uri)) as client:  # type: ignore[arg-type]  # pydantic makes a secret of it
        yield client


async def waiting(client: Redis) -> int:
    return int(await client.xlen("{tasks:clock}:stream"))


NIGHT = datetime(2026, 3, 28, 2, 59, 59, tzinfo=UTC)


@task("report", schedules=[Cron("0 3 * * *")])
async def report() -> None: ...


async def test_a_cron_on_three_replicas_fires_once(client: Redis) -> None:
    replicas = [Replica(client, NIGHT, report) for _ in range(3)]
    for seconds in (0, 1, 2):
        for replica in replicas:
            replica.now = NIGHT + timedelta(seconds=seconds)
            await replica.turn()
    assert await waiting(client) == 1


async def test_two_leaders_at_once_fire_once(client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader that was frozen past its lease wakes up, and fires what it found due before it looks again."""
    first, second = (Replica(client, NIGHT, report) for _ in range(2))
    for replica in (first, second):

        async def leads(*_: Any) -> Lead:
            return Lead(7, 0)

        monkeypatch.setattr(replica.store, "lead", leads)
        await replica.turn()
    for replica in (first, second):
        replica.now = NIGHT + timedelta(seconds=2)
        await replica.turn()
    assert await waiting(client) == 1


async def test_a_leader_that_lost_its_lease_cannot_say_that_it_fired(client: Redis) -> None:
    old, new = (RedisScheduleStore(client, "{tasks:clock}") for _ in range(2))
    before = await old.lead("old", 0.05)
    while not (lead := await new.lead("new", 5)).token:
        await asyncio.sleep(0.01)
    assert lead.token > before.token, "a fencing token grows"
    assert not await old.fired("x", 1.0, owner="old", token=before.token, for_good=False)
    assert await new.fired("x", 1.0, owner="new", token=lead.token, for_good=False)
    await old.resign("old", before.token)
    assert (await new.lead("new", 5)).token == lead.token, "nor end another's lease"


async def test_what_was_due_while_nobody_was_there_fires_once_and_not_too_late(
    client: Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    @task("often", schedules=[Every(seconds=10)])
    async def often() -> None: ...

    replica = Replica(client, NIGHT, often, report, catch_up_seconds=600)
    await replica.turn()
    replica.now = NIGHT + timedelta(minutes=30)
    await replica.turn()
    assert await waiting(client) == 1, "180 steps are one; the report is 30 minutes late, and left out"
    await replica.turn()
    replica.now += timedelta(seconds=10)
    await replica.turn()
    assert await waiting(client) == 2
    replica.now = NIGHT + timedelta(days=1, seconds=5)
    await replica.turn()
    assert await waiting(client) == 4, "the next day's is there"


async def test_one_off_schedules_fire_however_late(client: Redis) -> None:
    replica = Replica(client, NIGHT, record, catch_up_seconds=0)
    await replica.component.get_task(record).schedule_at(NIGHT + timedelta(seconds=1), "late")
    await replica.turn()
    assert await waiting(client) == 0
    later = Replica(client, NIGHT + timedelta(days=9), record, catch_up_seconds=0)
    async with asyncio.timeout(30):
        while not await waiting(client):  # the first one's lease has to end
            await later.turn()
            await asyncio.sleep(0.01)
    await later.turn()
    assert await waiting(client) == 1


async def test_a_schedule_that_cannot_tell_when_it_is_due_does_not_keep_the_others_from_it(client: Redis) -> None:
    class Broken(Every):
        def next_after(self, moment: datetime) -> datetime | None:
            raise OverflowError("no such day")

    class Failing(Every):
        def last_until(self, moment: datetime, *, after: datetime) -> datetime | None:
            raise OverflowError("no such day")

    @task("broken", schedules=[Broken(seconds=1)])
    async def broken() -> None: ...

    @task("failing", schedules=[Failing(seconds=1)])
    async def failing() -> None: ...

    replica = Replica(client, NIGHT, broken, failing, report)
    with capture_logs() as said:
        await replica.turn()
        replica.now = NIGHT + timedelta(seconds=2)
        await replica.turn()
    assert await waiting(client) == 1, "the report"
    told = {(line["event"], line["schedule"].split()[0]) for line in said if line["log_level"] == "error"}
    assert told == {("schedule left out", "broken"), ("schedule not fired, tried again", "failing")}
