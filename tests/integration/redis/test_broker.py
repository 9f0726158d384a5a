"""The queue in Redis: what is sent, delivered, settled, put off, given up."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError
from taskiq import AckableMessage, TaskiqResult
from taskiq.depends.progress_tracker import TaskProgress
from taskiq.depends.progress_tracker import TaskState as Progress
from taskiq.exceptions import ResultGetError

from fastapi_factory_utilities.core.plugins.taskiq_plugins.broker import StreamBroker
from fastapi_factory_utilities.core.plugins.taskiq_plugins.errors import TaskQueueFullError
from fastapi_factory_utilities.core.plugins.taskiq_plugins.results import TaskState
from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams_delivery import StreamDelivery
from tests.integration.redis.conftest import QUEUE, eventually, message


def result(value: object = None, error: BaseException | None = None) -> TaskiqResult[Any]:
    return TaskiqResult(is_err=error is not None, return_value=value, execution_time=0.1, error=error)


async def take(broker: StreamBroker) -> StreamDelivery:
    """Take one task and leave; it is given back if the test does not settle it inside."""
    async with broker.deliveries(concurrency=1) as deliveries, asyncio.timeout(5):
        return await anext(aiter(deliveries))


async def test_a_task_is_delivered_once_and_forgotten_when_it_is_done(broker: StreamBroker, redis: Redis) -> None:
    await broker.kick(message("a", "content"))
    async with broker.deliveries(concurrency=2) as one, broker.deliveries(concurrency=2) as two:
        both = [asyncio.ensure_future(anext(aiter(deliveries))) for deliveries in (one, two)]
        done, (waiting,) = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED, timeout=5)
        delivery = done.pop().result()
        assert (delivery.task_id, delivery.task_name, delivery.data, delivery.times) == ("a", "job", b"content", 1)
        await delivery.done(result(7))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        waiting.cancel()
    assert await redis.xlen(f"{QUEUE}:stream") == 0
    assert not await redis.exists(f"{QUEUE}:index")


async def test_a_task_tells_where_it_is_in_its_life(broker: StreamBroker) -> None:
    tell = broker.results.state_of
    assert await tell("a") is TaskState.UNKNOWN
    await broker.kick(message("a"))
    assert await tell("a") is TaskState.WAITING
    async with broker.deliveries(concurrency=1) as deliveries:
        found = aiter(deliveries)
        delivery = await anext(found)
        assert await tell("a") is TaskState.RUNNING
        await delivery.retry(message("a"), 0.2)
        assert await tell("a") is TaskState.WAITING
        await (await anext(found)).done(result(1))
        assert await tell("a") is TaskState.FINISHED
        await broker.kick(message("b"))
        await (await anext(found)).done(result(error=ValueError("no")))
        assert await tell("b") is TaskState.FAILED
        await broker.kick(message("c"))
        await (await anext(found)).dead(message("c"), "no", None)
        assert await tell("c") is TaskState.DEAD


async def test_a_result_is_kept_as_long_as_wanted_and_no_longer(redis: Redis) -> None:
    broker = StreamBroker(redis, queue=QUEUE, result_ttl_seconds=0.5)
    await broker.prepare()
    await broker.kick(message("a"))
    async with broker.deliveries(concurrency=1) as deliveries:
        await (await anext(aiter(deliveries))).done(result({"title": "Emma", "pages": [1, 2]}))
    assert await broker.results.is_result_ready("a")
    assert (await broker.results.get_result("a")).return_value == {"title": "Emma", "pages": [1, 2]}
    await eventually(lambda: broker.results.is_result_ready("a"), lambda ready: not ready, seconds=2)
    with pytest.raises(ResultGetError):
        await broker.results.get_result("a")


async def test_results_of_taskiqs_own_receiver_are_kept_the_same_way(broker: StreamBroker) -> None:
    await broker.results.set_result("a", result(error=ValueError("no")))
    kept = await broker.results.get_result("a")
    assert kept.is_err
    assert isinstance(kept.error, ValueError)
    await broker.results.set_progress("a", TaskProgress(state=Progress.STARTED, meta={"done": 3}))
    assert (await broker.results.get_progress("a")) == TaskProgress(state=Progress.STARTED, meta={"done": 3})
    assert await broker.results.get_progress("b") is None


async def test_a_result_without_a_form_in_json_is_an_error_that_does_not_tell_it(broker: StreamBroker) -> None:
    class Secret:
        def __repr__(self) -> str:
            return "hunter2"

    await broker.kick(message("a"))
    async with broker.deliveries(concurrency=1) as deliveries:
        await (await anext(aiter(deliveries))).done(result(Secret()))
    kept = await broker.results.get_result("a")
    assert kept.is_err
    assert "Secret" in str(kept.error)
    assert "hunter2" not in str(kept.error)


async def test_what_is_not_settled_stays_within_the_concurrency(broker: StreamBroker) -> None:
    for number in range(10):
        await broker.kick(message(f"{number}"))
    async with broker.deliveries(concurrency=3) as deliveries:
        found = aiter(deliveries)
        held = [await anext(found) for _ in range(3)]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await anext(found)
        async with broker.deliveries(concurrency=10) as others, asyncio.timeout(5):
            rest = aiter(others)
            assert len([await anext(rest) for _ in range(7)]) == 7, "the others were left for other workers"
            for delivery in held:
                await delivery.done(None)


async def test_a_full_queue_refuses_and_drops_nothing(redis: Redis) -> None:
    broker = StreamBroker(redis, queue=QUEUE, max_stream_length=3)
    await broker.prepare()
    for number in range(2):
        await broker.kick(message(f"{number}"))
    await broker.kick_at(message("2"), datetime.now(UTC))
    with pytest.raises(TaskQueueFullError, match="takes no more"):
        await broker.kick(message("one too many"))
    with pytest.raises(TaskQueueFullError):
        await broker.kick_once(message("one too many"), guard="due", ttl_seconds=60)
    async with broker.deliveries(concurrency=1) as deliveries, asyncio.timeout(5):
        found = aiter(deliveries)
        for number in range(3):
            delivery = await anext(found)
            assert delivery.task_id == f"{number}"
            await delivery.done(None)
        assert await broker.kick_once(message("now"), guard="due", ttl_seconds=60), "a refusal takes no guard"


async def test_a_task_is_delivered_at_its_time_also_when_who_sent_it_is_gone(broker: StreamBroker) -> None:
    due = datetime.now(UTC) + timedelta(seconds=1.0)
    await broker.kick_at(message("later"), due)
    await broker.kick_at(message("past"), datetime.now(UTC) - timedelta(days=1))
    async with broker.deliveries(concurrency=2) as deliveries, asyncio.timeout(5):
        found = aiter(deliveries)
        assert (await anext(found)).task_id == "past"
        assert (await anext(found)).task_id == "later"
        assert timedelta(0) <= datetime.now(UTC) - due < timedelta(seconds=1.0)


async def test_under_one_guard_a_task_is_stored_once_however_many_send_it(broker: StreamBroker, redis: Redis) -> None:
    stored = await asyncio.gather(
        *(broker.kick_once(message(f"{n}"), guard="cron:12:00", ttl_seconds=60) for n in range(20))
    )
    assert sorted(stored) == [False] * 19 + [True]
    assert await redis.xlen(f"{QUEUE}:stream") == 1
    assert await broker.kick_once(message("next"), guard="cron:12:01", ttl_seconds=0.1)
    assert not await broker.kick_once(message("next"), guard="cron:12:01", ttl_seconds=0.1)
    await eventually(
        lambda: broker.kick_once(message("next"), guard="cron:12:01", ttl_seconds=60), lambda stored: stored, seconds=2
    )


async def test_a_retry_takes_the_tasks_place_after_its_delay(broker: StreamBroker, redis: Redis) -> None:
    await broker.kick(message("a", "first"))
    async with broker.deliveries(concurrency=1) as deliveries, asyncio.timeout(5):
        found = aiter(deliveries)
        began = time.monotonic()
        await (await anext(found)).retry(message("a", "second"), 0.4)
        assert await redis.xlen(f"{QUEUE}:stream") == 0
        delivery = await anext(found)
        assert time.monotonic() - began >= 0.4
        assert (delivery.data, delivery.times) == (b"second", 1)
        await delivery.retry(message("a", "third"), 0)
        assert (await anext(found)).data == b"third"


async def test_dead_letters_are_listed_with_their_cause_sent_again_and_forgotten(broker: StreamBroker) -> None:
    for number in range(3):
        await broker.kick(message(f"{number}"))
    async with broker.deliveries(concurrency=3) as deliveries, asyncio.timeout(5):
        found = aiter(deliveries)
        for number in range(3):
            await (await anext(found)).dead(
                message(f"{number}", "last"), f"cause {number}", result(error=ValueError("no"))
            )
            await asyncio.sleep(0.002)  # so that their times differ
        assert await broker.dead_letters.count() == 3
        dead = await broker.dead_letters.list(limit=2)
        assert [(task.task_id, task.task_name, task.cause, task.times) for task in dead] == [
            ("2", "job", "cause 2", 1),
            ("1", "job", "cause 1", 1),
        ]
        assert datetime.now(UTC) - dead[0].at < timedelta(seconds=5)
        assert (await broker.results.get_result("2")).is_err
        assert await broker.dead_letters.requeue("2")
        assert not await broker.dead_letters.requeue("2")
        again = await anext(found)
        assert (again.task_id, again.data) == ("2", b"last")
        await again.done(None)
        assert await broker.dead_letters.delete("1")
        assert await broker.dead_letters.requeue_all() == 1
        await (await anext(found)).dead(message("0"), "again", None)
        assert await broker.dead_letters.purge() == 1
        assert await broker.dead_letters.list() == []


async def test_the_dead_letter_list_is_bounded_and_forgets_the_oldest(redis: Redis) -> None:
    broker = StreamBroker(redis, queue=QUEUE, max_dead_letters=2)
    await broker.prepare()
    async with broker.deliveries(concurrency=1) as deliveries, asyncio.timeout(5):
        found = aiter(deliveries)
        for number in range(4):
            await broker.kick(message(f"{number}"))
            await (await anext(found)).dead(message(f"{number}"), "no", None)
            await asyncio.sleep(0.002)
        assert [task.task_id for task in await broker.dead_letters.list()] == ["3", "2"]
        assert not await broker.dead_letters.requeue("0")


async def test_what_is_given_back_is_anothers_at_once_and_counts_as_no_delivery(redis: Redis) -> None:
    broker = StreamBroker(redis, queue=QUEUE, visibility_timeout_seconds=60)
    await broker.prepare()
    await broker.kick(message("a"))
    async with broker.deliveries(concurrency=1) as deliveries:
        await (await anext(aiter(deliveries))).give_back()
        began = time.monotonic()
        async with asyncio.timeout(5):
            assert (await anext(aiter(deliveries))).times == 1
        assert time.monotonic() - began < 1.5
    assert await broker.results.state_of("a") is TaskState.WAITING, "left unsettled"
    assert (await take(broker)).times == 1


async def test_after_a_pause_nothing_new_is_taken_and_what_is_in_hand_stays(broker: StreamBroker) -> None:
    for number in range(3):
        await broker.kick(message(f"{number}"))
    async with broker.deliveries(concurrency=2) as deliveries:
        found = aiter(deliveries)
        held = await anext(found)
        await deliveries.pause()
        assert [delivery async for delivery in found] == []
        async with broker.deliveries(concurrency=5) as others, asyncio.timeout(10):
            rest = aiter(others)
            assert {(await anext(rest)).task_id for _ in range(2)} == {"1", "2"}
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.8):  # longer than the visibility timeout: it still beats
                    await anext(rest)
            await held.done(None)


async def test_a_worker_that_was_silent_for_too_long_learns_that_it_has_lost_its_task(broker: StreamBroker) -> None:
    await broker.kick(message("a"))
    async with broker.deliveries(concurrency=1) as silent:
        lost = await anext(aiter(silent))
        silent._keeping.cancel()  # as if its process had been stopped
        async with broker.deliveries(concurrency=1) as deliveries, asyncio.timeout(10):
            delivery = await anext(aiter(deliveries))
            assert delivery.times == 2
            await silent._beat()
            assert lost.lost.is_set()
            await lost.retry(message("a"), 0)
            await lost.dead(message("a"), "no", None)
            await lost.give_back()
            assert await broker.results.state_of("a") is TaskState.RUNNING, "it is for the one who has it"
            await delivery.done(result(1))
    assert await broker.results.state_of("a") is TaskState.FINISHED


async def test_taskiqs_own_receiver_can_listen(broker: StreamBroker) -> None:
    await broker.kick(message("a", "content"))
    listening = broker.listen()
    received = await anext(listening)
    assert isinstance(received, AckableMessage)
    assert received.data == b"content"
    await received.ack()  # type: ignore[misc]  # Taskiq allows for one that is not awaited
    await listening.aclose()
    assert await broker.results.state_of("a") is TaskState.UNKNOWN


async def test_what_somebody_else_wrote_into_the_stream_is_delivered_as_it_is(
    broker: StreamBroker, redis: Redis
) -> None:
    await redis.xadd(f"{QUEUE}:stream", {"foreign": "\xff"})
    async with broker.deliveries(concurrency=1) as deliveries, asyncio.timeout(5):
        delivery = await anext(aiter(deliveries))
        assert (delivery.data, delivery.task_name) == (b"", "")
        await delivery.dead(message(delivery.task_id), "cannot be read", None)
    assert await broker.dead_letters.count() == 1


async def test_a_take_over_that_redis_gets_to_too_late_takes_nothing(broker: StreamBroker) -> None:
    streams = broker._streams
    await broker.kick(message("a"))
    await streams.read("silent", at_most=1, seconds=1)
    now, _ = await streams.claim("other", idle_seconds=0, at_most=1, latest_ms=0)
    _, taken = await streams.claim("other", idle_seconds=0, at_most=1, latest_ms=now - 1)
    assert taken == [], "its sender has given up, and every sign of life was as late"
    _, (entry,) = await streams.claim("other", idle_seconds=0, at_most=1, latest_ms=now + 60_000)
    assert (entry.task_id, entry.times) == ("a", 2)


async def test_what_cannot_be_settled_is_an_error_at_once_and_delivered_again(
    broker: StreamBroker, redis: Redis
) -> None:
    await broker.kick(message("a"))
    async with broker.deliveries(concurrency=1) as deliveries, asyncio.timeout(10):
        found = aiter(deliveries)
        delivery = await anext(found)
        await redis.set(f"{QUEUE}:later", "not a sorted set")
        with pytest.raises(ResponseError, match="WRONGTYPE"):
            await delivery.retry(message("a"), 10)
        await redis.delete(f"{QUEUE}:later")
        again = await anext(found)
        assert (again.task_id, again.times) == ("a", 2)
        await again.done(None)


async def test_consumers_that_are_gone_are_forgotten_unless_they_have_tasks(broker: StreamBroker, redis: Redis) -> None:
    streams = broker._streams
    await broker.kick(message("a"))
    await streams.read("with a task", at_most=1, seconds=0.01)
    await redis.xgroup_createconsumer(f"{QUEUE}:stream", "workers", "without")
    await asyncio.sleep(0.05)
    await streams.tidy(idle_seconds=60)
    assert len(await redis.xinfo_consumers(f"{QUEUE}:stream", "workers")) == 2, "it may just be slow"
    await streams.tidy(idle_seconds=0.01)
    (left,) = await redis.xinfo_consumers(f"{QUEUE}:stream", "workers")
    assert left["name"] == b"with a task"
