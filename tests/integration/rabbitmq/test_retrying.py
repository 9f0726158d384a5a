"""Messages that fail, on a real broker: tried again after a while, then parked, never lost, never in the way."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import aio_pika
import pytest

from fastapi_factory_utilities.core.plugins.aiopika import (
    NO_RETRY,
    BrokerConnection,
    DeadLetters,
    Queue,
    Reject,
    Retry,
    RetryPolicy,
    TopologyError,
)
from tests.integration.rabbitmq.consuming import (
    EXCHANGE,
    QUEUE,
    Order,
    OrderMessage,
    Orders,
    Recorder,
    count,
    running,
    until,
)

QUICK = RetryPolicy(attempts=3, first_delay_seconds=0.1, factor=3)
PRIVATE = "a private matter"


def fails(*errors: Exception) -> Callable[[OrderMessage], None]:
    """Make a handler's deed that raises these errors, one for each attempt, and nothing after them."""

    def fail(message: OrderMessage) -> None:
        if message.attempt <= len(errors):
            raise errors[message.attempt - 1]

    return fail


def always(error: Exception) -> Callable[[OrderMessage], None]:
    def fail(_: OrderMessage) -> None:
        raise error

    return fail


async def publish(publisher: Orders, number: int) -> OrderMessage:
    message = OrderMessage(data=Order(number=number)).set_headers({"tenant": "a"})
    await publisher.publish(message, "order.new")
    return message


async def publish_raw(uri: str, body: bytes, **properties: Any) -> None:
    async with await aio_pika.connect(uri) as connection:
        exchange = await (await connection.channel()).get_exchange(EXCHANGE.name)
        await exchange.publish(aio_pika.Message(body, **properties), "order.new", mandatory=True)


async def is_parked(connection: BrokerConnection, queue: Queue = QUEUE, how_many: int = 1) -> None:
    async with asyncio.timeout(15):
        while await count(connection, f"{queue.name}.dead") < how_many:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("queue", [QUEUE, Queue("orders.safe", EXCHANGE, "order.*", queue_type="quorum")])
async def test_a_message_that_fails_comes_again_later_and_says_which_attempt_it_is(
    rabbitmq_uri: str, queue: Queue
) -> None:
    times = []
    fail = fails(ValueError("first"), KeyError("second"))

    def remember_and_fail(message: OrderMessage) -> None:
        times.append(time.monotonic())
        fail(message)

    recorder = Recorder(queue, retry=QUICK, does=remember_and_fail)
    async with running(rabbitmq_uri, recorder) as (publisher, connection):
        sent = await publish(publisher, 1)
        await until(lambda: recorder.handled == [1])
        assert [message.attempt for message in recorder.seen] == [1, 2, 3]
        assert {message.message_id for message in recorder.seen} == {sent.message_id}
        assert all(message.get_headers()["tenant"] == "a" for message in recorder.seen)
        assert times[1] - times[0] >= 0.1
        assert times[2] - times[1] >= 0.3
        assert await count(connection, f"{queue.name}.dead") == 0


async def test_nobody_waits_behind_a_message_with_a_longer_delay(rabbitmq_uri: str) -> None:
    def fail(message: OrderMessage) -> None:
        if message.attempt == 1:
            raise Retry(after=30 if message.data.number == 1 else 0.2)

    recorder = Recorder(QUEUE, does=fail)
    async with running(rabbitmq_uri, recorder) as (publisher, connection):
        await publish(publisher, 1)
        await until(lambda: len(recorder.seen) == 1)
        await publish(publisher, 2)
        await until(lambda: recorder.handled == [2])
        assert await count(connection, "orders.ship.after.30000") == 1


async def test_a_message_that_fails_for_good_is_parked_with_the_cause(rabbitmq_uri: str) -> None:
    recorder = Recorder(QUEUE, retry=QUICK, does=always(ValueError("no\nsuch warehouse")))
    async with running(rabbitmq_uri, recorder) as (publisher, connection):
        sent = await publish(publisher, 1)
        await is_parked(connection)
        assert len(recorder.seen) == 3
        (letter,) = await DeadLetters(QUEUE, connection).peek()
        assert (letter.error, letter.reason, letter.attempts) == ("ValueError", "no such warehouse", 3)
        assert (letter.exchange, letter.routing_key) == (EXCHANGE.name, "order.new")
        assert letter.message_id == sent.message_id
        assert letter.headers["tenant"] == "a"
        assert json.loads(letter.body) == {"number": 1}
        assert letter.at is not None
        assert await count(connection, f"{QUEUE.name}.dead") == 1, "to look at it leaves it there"


async def test_dead_letters_are_sent_back_one_or_all_and_have_their_attempts_again(rabbitmq_uri: str) -> None:
    recorder = Recorder(QUEUE, retry=NO_RETRY, does=always(ValueError()))
    async with running(rabbitmq_uri, recorder) as (publisher, connection):
        messages = [await publish(publisher, number) for number in range(5)]
        await is_parked(connection, how_many=5)
        letters = DeadLetters(QUEUE, connection)
        recorder.does = None
        assert await letters.requeue(messages[3].message_id)
        await until(lambda: recorder.handled == [3])
        assert recorder.seen[-1].attempt == 1
        assert not await letters.requeue(messages[3].message_id)
        assert await letters.count() == 4
        assert await letters.requeue_all() == 4
        await until(lambda: sorted(recorder.handled) == [0, 1, 2, 3, 4])
        assert await letters.count() == 0


async def test_dead_letters_that_fail_again_are_not_sent_round_and_round(rabbitmq_uri: str) -> None:
    recorder = Recorder(QUEUE, retry=NO_RETRY, does=always(ValueError()))
    async with running(rabbitmq_uri, recorder) as (publisher, connection):
        for number in range(3):
            await publish(publisher, number)
        await is_parked(connection, how_many=3)
        assert await DeadLetters(QUEUE, connection).requeue_all() == 3
        await is_parked(connection, how_many=3)
    assert len(recorder.seen) == 6


async def test_a_rejected_message_is_parked_at_once(rabbitmq_uri: str) -> None:
    recorder = Recorder(QUEUE, does=always(Reject("order was cancelled")))
    async with running(rabbitmq_uri, recorder) as (publisher, connection):
        await publish(publisher, 1)
        await is_parked(connection)
        (letter,) = await DeadLetters(QUEUE, connection).peek()
    assert letter.reason == "order was cancelled"
    assert len(recorder.seen) == 1


@pytest.mark.parametrize("body", [b"", b"{", b'"' + PRIVATE.encode(), b"\xff\xfe", b"[" * 5000, b'{"number": "%s"}'])
async def test_what_nobody_can_read_is_parked_at_once_and_its_content_is_told_nowhere(
    rabbitmq_uri: str, body: bytes, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    body = body.replace(b"%s", PRIVATE.encode())
    recorder = Recorder(QUEUE)
    async with running(rabbitmq_uri, recorder) as (publisher, connection):
        await connection.ready()
        await publish_raw(rabbitmq_uri, body, message_id="poison")
        await is_parked(connection)
        (letter,) = await DeadLetters(QUEUE, connection).peek()
        await publish(publisher, 2)
        await until(lambda: recorder.handled == [2])
    assert letter.body == body
    assert letter.message_id == "poison"
    assert "InvalidMessageError" in letter.error
    assert PRIVATE not in letter.reason
    out, err = capfd.readouterr()
    assert PRIVATE not in out + err + caplog.text


async def test_a_message_without_an_identity_or_with_a_deadline_waits_as_long_as_any_other(rabbitmq_uri: str) -> None:
    times = []

    def fail_once(message: OrderMessage) -> None:
        times.append(time.monotonic())
        if message.attempt == 1:
            raise ValueError

    recorder = Recorder(QUEUE, retry=RetryPolicy(first_delay_seconds=0.8), does=fail_once)
    async with running(rabbitmq_uri, recorder) as (_, connection):
        await connection.ready()
        await publish_raw(rabbitmq_uri, b'{"number": 1}', expiration=0.3, app_id="shop", type="order", priority=3)
        await until(lambda: recorder.handled == [1])
    assert times[1] - times[0] >= 0.8


async def test_waiting_messages_survive_the_listener_and_a_queue_that_was_deleted(rabbitmq_uri: str) -> None:
    recorder = Recorder(QUEUE, retry=RetryPolicy(first_delay_seconds=1), does=fails(ValueError()))
    async with running(rabbitmq_uri, recorder) as (publisher, connection):
        await connection.ready()
        async with connection.channel() as channel:
            await channel.queue_delete(f"{QUEUE.name}.retry.1000")
        await publish(publisher, 1)
        async with asyncio.timeout(5):
            while True:
                try:
                    if await count(connection, f"{QUEUE.name}.retry.1000") == 1:
                        break
                except Exception:  # noqa: BLE001, S110 - there is no queue yet
                    pass
                await asyncio.sleep(0.02)
    other = Recorder(QUEUE, retry=RetryPolicy(first_delay_seconds=1))
    async with running(rabbitmq_uri, other):
        await until(lambda: other.handled == [1])
    assert other.seen[0].attempt == 2


async def test_a_message_that_cannot_be_put_off_is_given_back(rabbitmq_uri: str) -> None:
    """Somebody has made a queue of this name that is another."""
    async with await aio_pika.connect(rabbitmq_uri) as other:
        channel = await other.channel()
        await channel.declare_queue("orders.ship.after.7000", exclusive=True)
        first = Retry(after=7)

        def fail(message: OrderMessage) -> None:
            if not message.redelivered:
                raise first

        recorder = Recorder(QUEUE, does=fail)
        async with running(rabbitmq_uri, recorder) as (publisher, _):
            await publish(publisher, 1)
            await until(lambda: recorder.handled == [1])
        assert recorder.seen[-1].redelivered


async def test_a_quorum_queue_never_drops_a_message_that_came_back_too_often(rabbitmq_uri: str) -> None:
    queue = Queue("orders.few", EXCHANGE, "order.*", queue_type="quorum", arguments={"x-delivery-limit": 2})

    async def give_back(message: OrderMessage) -> None:
        await message.reject(requeue=True)

    recorder = Recorder(queue, retry=NO_RETRY, does=give_back)
    async with running(rabbitmq_uri, recorder) as (publisher, connection):
        await publish(publisher, 1)
        await is_parked(connection, queue)
        (letter,) = await DeadLetters(queue, connection).peek()
    assert len(recorder.seen) == 2
    assert "came back 2 times" in letter.reason


async def test_a_temporary_queue_leaves_nothing_behind_for_long(rabbitmq_uri: str) -> None:
    queue = Queue("orders.mine", EXCHANGE, "order.*", durable=False, exclusive=True)
    recorder = Recorder(queue, retry=QUICK, does=fails(ValueError()))
    async with running(rabbitmq_uri, recorder) as (publisher, connection):
        await publish(publisher, 1)
        await until(lambda: recorder.handled == [1])
        with pytest.raises(TopologyError, match="expires"):
            await Queue("orders.mine.dead", queue_type="classic").set_robust_connection(connection).setup()


async def test_an_outage_of_what_a_handler_needs_does_not_flood_the_log(
    rabbitmq_uri: str, capfd: pytest.CaptureFixture[str]
) -> None:
    recorder = Recorder(QUEUE, retry=NO_RETRY, does=always(ConnectionError("database is away")))
    async with running(rabbitmq_uri, recorder) as (publisher, connection):
        await publisher.publish_many((OrderMessage(data=Order(number=number)) for number in range(500)), "order.new")
        await is_parked(connection, how_many=500)
    out, err = capfd.readouterr()
    lines = [line for line in (out + err).splitlines() if "message given up" in line]
    assert 1 <= len(lines) <= 100
