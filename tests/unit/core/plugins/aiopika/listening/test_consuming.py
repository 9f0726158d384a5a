"""Messages begun, paused, and given back, in the moments that a real broker does not stop at."""

import asyncio
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fastapi_factory_utilities.core.plugins.aiopika.consuming import Consuming
from fastapi_factory_utilities.core.plugins.aiopika.consuming_delivery import Delivery
from fastapi_factory_utilities.core.plugins.work import Work


class Channel:
    """A broker's channel that writes down what it is told."""

    def __init__(self) -> None:
        self.is_closed = False
        self.consumers: dict[str, Any] = {}
        self.cancelled = asyncio.Event()
        self.told: list[tuple[str, int]] = []
        self.closing = asyncio.get_running_loop().create_future()

    async def basic_qos(self, **_: Any) -> None:
        """Take note."""

    async def basic_consume(self, queue: str, deliver: Callable[[Any], Any], **_: Any) -> Any:
        self.consumers["tag"] = deliver
        return SimpleNamespace(consumer_tag="tag")

    async def basic_cancel(self, tag: str, **_: Any) -> None:
        await self.cancelled.wait()
        self.consumers.pop(tag, None)

    async def basic_ack(self, tag: int, **_: Any) -> None:
        self.told.append(("ack", tag))

    async def basic_nack(self, tag: int, **_: Any) -> None:
        self.told.append(("nack", tag))

    def create_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.create_task(work)

    async def close(self) -> None:
        self.is_closed = True

    async def deliver(self, tag: int) -> None:
        message = SimpleNamespace(
            body=b"",
            channel=self,
            delivery=SimpleNamespace(delivery_tag=tag),
            header=SimpleNamespace(properties=SimpleNamespace(headers=None, message_id=None)),
        )
        await self.consumers["tag"](message)


class Handler:
    def __init__(self) -> None:
        self.begun: list[int] = []
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, delivery: Delivery) -> None:
        self.begun.append(delivery.delivery_tag)
        await self.go.wait()
        if self.error is not None:
            raise self.error
        await delivery.ack()


async def consuming_of(handler: Handler, channel: Channel, work: Work | None = None) -> Consuming:
    consuming = Consuming(handler, queue="q", prefetch=9, concurrency=1, work=work or Work())
    await consuming.begin(cast("Any", channel))
    return consuming


async def settled(channel: Channel, how_many: int) -> None:
    async with asyncio.timeout(5):
        while len(channel.told) < how_many:
            await asyncio.sleep(0.001)


async def test_what_ends_while_the_consumer_is_being_cancelled_begins_nothing_new() -> None:
    handler, channel = Handler(), Channel()
    consuming = await consuming_of(handler, channel)
    for tag in (1, 2):
        await channel.deliver(tag)
    await asyncio.sleep(0)
    pausing = asyncio.create_task(consuming.pause())
    await asyncio.sleep(0)
    await channel.deliver(3)
    handler.go.set()
    await settled(channel, 1)
    channel.cancelled.set()
    await pausing
    await settled(channel, 3)
    assert handler.begun == [1]
    assert channel.told == [("ack", 1), ("nack", 2), ("nack", 3)]


async def test_what_is_cancelled_is_given_back_and_counted_as_such() -> None:
    handler, channel, work = Handler(), Channel(), Work()
    consuming = await consuming_of(handler, channel, work)
    await channel.deliver(1)
    await asyncio.sleep(0)
    work.begin_drain()
    await consuming.give_back()
    assert channel.told == [("nack", 1)]
    assert channel.is_closed
    assert work.report()["messages"] == {"in_flight": 1, "finished": 0, "given_back": 1}


async def test_a_message_whose_handling_has_a_bug_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastapi_factory_utilities.core.plugins.aiopika.consuming._AFTER_BUG_SECONDS", 0)
    handler, channel = Handler(), Channel()
    handler.error = ZeroDivisionError()
    await consuming_of(handler, channel)
    await channel.deliver(1)
    handler.go.set()
    await settled(channel, 1)
    assert channel.told == [("nack", 1)]


async def test_on_a_new_channel_what_the_old_one_had_handed_out_is_forgotten() -> None:
    handler, old, new = Handler(), Channel(), Channel()
    consuming = await consuming_of(handler, old)
    await old.deliver(1)
    await old.deliver(2)
    await asyncio.sleep(0)
    old.is_closed = True
    await consuming.begin(cast("Any", new))
    await old.deliver(3)
    await new.deliver(1)
    handler.go.set()
    await settled(new, 1)
    assert handler.begun == [1, 1]
    assert new.told == [("ack", 1)]
    assert old.told == []
