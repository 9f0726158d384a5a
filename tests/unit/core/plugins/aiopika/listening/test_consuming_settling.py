"""Acknowledgements go out together, and never hold anybody."""

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

import pytest

from fastapi_factory_utilities.core.plugins.aiopika.consuming_settling import Settling


class Channel:
    def __init__(self) -> None:
        self.is_closed = False
        self.sent: list[tuple[Any, ...]] = []
        self.stalled: asyncio.Event | None = None

    def create_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.create_task(work)

    async def basic_ack(self, tag: int, multiple: bool = False, wait: bool = True) -> None:
        if self.stalled is not None:
            await self.stalled.wait()
        assert not wait, "nobody waits for the line"
        self.sent.append(("ack up to" if multiple else "ack", tag))

    async def basic_nack(self, tag: int, *, requeue: bool, wait: bool = True) -> None:
        self.sent.append(("nack", tag, requeue))


def settling_of(channel: Channel, *tags: int) -> Settling:
    settling = Settling(cast("Any", channel))
    for tag in tags:
        settling.opened(tag)
    return settling


async def test_all_that_is_done_up_to_a_point_is_one_frame() -> None:
    channel = Channel()
    settling = settling_of(channel, 1, 2, 3, 4, 5)
    for tag in (2, 1, 3):
        settling.ack(tag)
    await settling.flushed()
    assert channel.sent == [("ack up to", 3)]


async def test_what_is_still_open_is_never_acknowledged_along_with_others() -> None:
    channel = Channel()
    settling = settling_of(channel, 1, 2, 3, 4, 5)
    for tag in (1, 3, 5):
        settling.ack(tag)
    await settling.flushed()
    assert channel.sent == [("ack", 1), ("ack", 3), ("ack", 5)]
    settling.ack(2)
    await settling.flushed()
    assert channel.sent[3:] == [("ack", 2)]
    settling.ack(4)
    await settling.flushed()
    assert channel.sent[4:] == [("ack", 4)]


async def test_what_is_given_back_is_told_before_what_is_done() -> None:
    channel = Channel()
    settling = settling_of(channel, 1, 2, 3)
    settling.ack(1)
    settling.nack(2, requeue=True)
    settling.ack(3)
    await settling.flushed()
    assert channel.sent == [("nack", 2, True), ("ack up to", 3)]


async def test_what_is_settled_while_the_line_stalls_goes_out_afterwards_and_nobody_waited() -> None:
    channel = Channel()
    channel.stalled = asyncio.Event()
    settling = settling_of(channel, 1, 2)
    settling.ack(1)
    await asyncio.sleep(0)
    settling.ack(2)
    channel.stalled.set()
    await settling.flushed()
    assert channel.sent == [("ack", 1), ("ack", 2)]


async def test_on_a_channel_that_is_gone_nothing_happens() -> None:
    channel = Channel()
    settling = settling_of(channel, 1)
    channel.is_closed = True
    settling.ack(1)
    await settling.flushed()
    assert channel.sent == []


@pytest.mark.parametrize("error", [ConnectionError(), RuntimeError()])
async def test_a_line_that_breaks_meanwhile_is_no_error(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = Channel()

    async def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(channel, "basic_ack", fail)
    settling = settling_of(channel, 1)
    settling.ack(1)
    await settling.flushed()
