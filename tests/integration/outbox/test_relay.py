"""The relay: one at a time, in order where it was asked for, and never stopped by one message."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError, FastAPIFactoryUtilitiesError
from fastapi_factory_utilities.core.plugins.messages import OutgoingMessage
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox import relay as relay_module
from tests.integration.outbox.post import Post, Recorder, connect, event, eventually, eventually_so


class UnroutableError(FastAPIFactoryUtilitiesError):
    pass


@pytest.fixture
async def other(mongo_uri: str, post: Post) -> AsyncIterator[Post]:
    """The same outbox, in another process as it were."""
    async with connect(mongo_uri) as client:
        yield Post(client.get_default_database(), post.config)


async def test_what_was_confirmed_is_marked_and_not_sent_again(post: Post) -> None:
    await post.publish(*(f"event {number}" for number in range(120)))
    for _ in range(2):
        sender = Recorder()
        async with post.relaying(sender):
            await eventually_so(lambda: _all_sent(post))
    assert sender.sent == []


async def test_many_confirms_are_in_flight_at_a_time(post: Post) -> None:
    await post.publish(*(f"event {number}" for number in range(120)))
    sender = Recorder()
    sender.confirms.clear()
    async with post.relaying(sender):
        await eventually(lambda: sender.in_flight == post.config.batch_size)
        sender.confirms.set()
        await eventually(lambda: len(sender.sent) == 120)
    assert sender.most_in_flight == post.config.batch_size


async def test_messages_of_a_key_are_sent_in_the_order_of_their_commits(post: Post, other: Post) -> None:
    async def write(through: Post, key: str) -> None:
        for number in range(15):
            await through.outbox.run(lambda tx, n=number: tx.publish(event(f"{key} {n:02}"), key=key))  # type: ignore[misc]  # a default binds it

    sender = Recorder()
    async with other.relaying(sender):
        await asyncio.gather(write(post, "anna"), write(other, "bel"), write(post, "clara"))
        await eventually(lambda: len(sender.sent) == 45)
    for key in ("anna", "bel", "clara"):
        ours = [message_id for message_id in sender.sent if message_id.startswith(key)]
        assert ours == [f"{key} {number:02}" for number in range(15)]


async def test_messages_of_one_transaction_with_one_key_keep_their_order(post: Post) -> None:
    ids = [f"event {number:03}" for number in range(120)]
    await post.publish(*ids, key="emma")
    sender = Recorder()
    async with post.relaying(sender):
        await eventually(lambda: len(sender.sent) == 120)
    assert sender.sent == ids
    assert sender.most_in_flight == 1


async def test_of_two_relays_one_sends_and_nothing_is_sent_twice(post: Post, other: Post) -> None:
    one, two = Recorder(), Recorder()
    async with post.relaying(one), other.relaying(two):
        for number in range(30):
            await (post if number % 2 else other).publish(*(f"event {number}.{each}" for each in range(5)))
        await eventually(lambda: len(one.sent) + len(two.sent) >= 150)
        await eventually_so(lambda: _all_sent(post))
    assert sorted(one.sent + two.sent) == sorted(f"event {n}.{each}" for n in range(30) for each in range(5))
    assert not one.sent or not two.sent, "it is one of them"


async def test_another_relay_takes_over_at_once_when_one_stops(post: Post, other: Post) -> None:
    config = post.config.model_copy(update={"lease_seconds": 60.0})
    stopping, staying = Post(post.database, config), Post(other.database, config)
    one, two = Recorder(), Recorder()
    async with stopping.relaying(one):
        await stopping.publish("first")
        await eventually(lambda: one.sent == ["first"])
        task = asyncio.create_task(staying.relay(two).run())
    await staying.publish("second")
    await eventually(lambda: two.sent == ["second"], seconds=5)
    task.cancel()
    await asyncio.wait([task])


async def test_another_relay_takes_over_within_the_lease_when_one_dies(post: Post, other: Post) -> None:
    dead = asyncio.create_task(post.relay(Recorder())._lease.acquire())
    assert await dead, "it has the lease, and will never renew it"
    began = time.monotonic()
    sender = Recorder()
    async with other.relaying(sender):
        await other.publish("first")
        await eventually(lambda: sender.sent == ["first"])
    assert time.monotonic() - began > 0.5 * post.config.lease_seconds, "it was not taken away"
    assert time.monotonic() - began < post.config.lease_seconds + 1.0


async def test_a_relay_whose_lease_ran_out_sends_nothing_more(post: Post, other: Post) -> None:
    await post.publish(*(f"event {number}" for number in range(10)), key="emma")
    frozen = post.relay(Recorder())
    sender = frozen._sender
    assert isinstance(sender, Recorder)
    sender.confirms.clear()
    lease = frozen._lease
    renew, lease.acquire = lease.acquire, lease.acquire  # type: ignore[method-assign]  # restored below
    task = asyncio.create_task(frozen.run())
    await eventually(lambda: sender.in_flight)

    async def unanswered() -> bool:
        await asyncio.sleep(3600)
        return False

    lease.acquire = unanswered  # type: ignore[method-assign]  # as if the process, or its line, were frozen
    await eventually(lambda: not lease.is_held)
    sender.confirms.set()
    await eventually_so(lambda: _sent(post, 1))
    assert sender.sent == ["event 0"], "what was under way was confirmed; nothing else was begun"
    lease.acquire = renew  # type: ignore[method-assign]  # see above
    successor = Recorder()
    async with other.relaying(successor):
        await eventually(lambda: len(successor.sent) == 9)
    task.cancel()
    await asyncio.wait([task])


async def test_a_message_that_is_refused_again_and_again_is_parked_and_stops_nobody(post: Post) -> None:
    sender = Recorder()
    sender.error = lambda message: UnroutableError("no queue takes it") if message.routing_key == "nowhere" else None
    async with post.relaying(sender):
        await post.publish("lost", routing_key="nowhere")
        await post.publish("first", "second")
        await eventually(lambda: sender.sent == ["first", "second"])
        await eventually_so(lambda: _is(post, "lost", "parked"))
        (parked,) = await post.outbox.parked()
        assert parked.message.message_id == "lost"
        assert parked.attempts == post.config.max_attempts == sender.tries.count("lost")
        assert parked.cause == "UnroutableError: no queue takes it"
        sender.error = lambda _: None
        assert await post.outbox.requeue("another") == 0
        assert await post.outbox.requeue("lost") == 1
        await eventually(lambda: "lost" in sender.sent)
    assert await post.outbox.parked() == []


async def test_messages_behind_a_refused_one_of_their_key_wait_until_it_is_parked(post: Post) -> None:
    sender = Recorder()
    sender.error = lambda message: UnroutableError() if message.routing_key == "nowhere" else None
    async with post.relaying(sender):
        await post.publish("lost", routing_key="nowhere", key="emma")
        await eventually(lambda: sender.tries)
        await post.publish("behind", key="emma")
        await post.publish("beside", key="anna")
        await eventually(lambda: "behind" in sender.sent)
    assert sender.sent == ["beside", "behind"]
    assert sender.tries.index("behind") > max(at for at, tried in enumerate(sender.tries) if tried == "lost")


async def test_a_broker_that_is_away_is_waited_for_and_costs_no_attempt(post: Post) -> None:
    sender = Recorder()
    sender.error = lambda _: BackendUnavailableError("no broker")
    ids = [f"event {number}" for number in range(80)]
    await post.publish(*ids[:40], key="emma")
    await post.publish(*ids[40:])
    async with post.relaying(sender):
        await eventually(lambda: len(sender.tries) > 13)
        await asyncio.sleep(1.0)
        assert len(sender.tries) < 20, "it backs off"
        sender.error = lambda _: None
        await eventually(lambda: len(sender.sent) == 80, seconds=5)
        await eventually_so(lambda: _all_sent(post))
    assert sorted(sender.sent) == sorted(ids)
    assert [message_id for message_id in sender.sent if message_id in ids[:40]] == ids[:40]
    assert await post.outbox.parked() == []


async def test_one_message_that_the_broker_never_answers_to_stops_nobody(post: Post) -> None:
    sender = Recorder()
    sender.error = lambda message: BackendUnavailableError() if message.routing_key == "poison" else None
    await post.publish("poison", routing_key="poison")
    async with post.relaying(sender):
        await eventually(lambda: len(sender.tries) > 1)
        for number in range(5):
            await post.publish(f"event {number}")
        await eventually(lambda: len(sender.sent) == 5)


class Ears:
    """Hears the events of a log, whoever has set logging up."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def __getattr__(self, level: str) -> Callable[..., None]:
        return lambda event, **facts: self.heard.append(event)


async def test_the_log_is_not_filled_by_messages_that_cannot_be_sent(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    ears = Ears()
    monkeypatch.setattr(relay_module, "_log", ears)
    impatient = Post(post.database, post.config.model_copy(update={"max_attempts": 1}))
    sender = Recorder()
    errors = {"nowhere": UnroutableError("no queue takes it"), "poison": BackendUnavailableError("no answer")}
    sender.error = lambda message: errors.get(message.routing_key)
    async with impatient.relaying(sender):
        await impatient.publish("poison", routing_key="poison")
        await impatient.publish(*(f"lost {number}" for number in range(60)), routing_key="nowhere")
        for number in range(5):
            await eventually(lambda n=number: sender.tries.count("poison") > n)  # type: ignore[misc]  # a default binds it
            await impatient.publish(f"event {number}")
            await eventually(lambda n=number: f"event {n}" in sender.sent)  # type: ignore[misc]  # a default binds it
        await eventually(lambda: "outbox messages parked" in ears.heard)
    assert ears.heard.count("outbox waits for the broker") <= 1
    assert ears.heard.count("outbox messages parked") <= 3


async def test_a_stop_waits_for_the_confirms_of_what_is_in_flight(post: Post) -> None:
    await post.publish("first", "second")
    sender = Recorder()
    sender.confirms.clear()
    async with post.relaying(sender) as relay:
        await eventually(lambda: sender.in_flight == 2)
        relay.stop()
        await asyncio.sleep(0.05)
        sender.confirms.set()
    assert await post.states() == {"first": "sent", "second": "sent"}


async def test_a_relay_that_is_cancelled_marks_what_was_confirmed_and_leaves_the_rest(post: Post) -> None:
    class HalfWay(Recorder):
        async def send(self, message: OutgoingMessage) -> None:
            await super().send(message)
            if message.message_id == "second":
                self.messages.pop()
                await asyncio.sleep(3600)

    await post.publish("first", "second")
    sender = HalfWay()
    task = asyncio.create_task(post.relay(sender).run())
    await eventually(lambda: len(sender.tries) == 2 and sender.sent == ["first"])
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    assert await post.states() == {"first": "sent", "second": "pending"}


async def test_sent_messages_go_after_their_retention(post: Post) -> None:
    sender = Recorder()
    async with post.relaying(sender):
        await post.publish("kept")
        await eventually_so(lambda: _all_sent(post))
    found = await post.messages.find_one({"_id": "kept"})
    assert found is not None
    assert timedelta(minutes=59) < found["expires_at"] - datetime.now(UTC) <= timedelta(hours=1)
    indexes = await post.messages.index_information()
    assert indexes["expires_at_1"]["expireAfterSeconds"] == 0, "the server removes it then"
    brief = Post(post.database, post.config.model_copy(update={"retention_seconds": 0.0}))
    async with brief.relaying(sender):
        await brief.publish("gone")
        await eventually(lambda: "gone" in sender.sent)
    assert await post.states() == {"kept": "sent"}


async def _all_sent(post: Post) -> bool:
    return set((await post.states()).values()) == {"sent"}


async def _sent(post: Post, count: int) -> bool:
    return list((await post.states()).values()).count("sent") == count


async def _is(post: Post, message_id: str, state: str) -> bool:
    return (await post.states())[message_id] == state
