"""What becomes of one message; the broker's part is told by what was asked of it."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.plugins.aiopika import (
    NO_RETRY,
    BrokerUnavailableError,
    InvalidMessageError,
    Reject,
    Retry,
    RetryPolicy,
    handling,
    handling_once,
)
from fastapi_factory_utilities.core.plugins.aiopika.consuming_delivery import Delivery
from fastapi_factory_utilities.core.plugins.aiopika.dead_letter_headers import Cause
from fastapi_factory_utilities.core.plugins.aiopika.handling import Handling
from fastapi_factory_utilities.core.plugins.errors import PluginNotActiveError
from fastapi_factory_utilities.core.plugins.inbox import Claim


class World:
    """A broker and an inbox that write down what they are asked for, in its order."""

    is_closed = False

    def __init__(self, **headers: Any) -> None:
        self.done: list[str] = []
        self.claims: list[Claim | Exception] = []
        self.away: Exception | None = None
        self.away_at_done = 0
        properties = SimpleNamespace(headers=headers, message_id="m1")
        raw: Any = SimpleNamespace(
            body=b"1",
            channel=None,
            delivery=SimpleNamespace(delivery_tag=7),
            header=SimpleNamespace(properties=properties),
            redelivered=False,
            exchange="orders",
            routing_key="order.new",
        )
        self.delivery = Delivery(raw, cast("Any", self))

    # Settling

    def ack(self, tag: int) -> None:
        self.done.append("ack")

    def nack(self, tag: int, *, requeue: bool) -> None:
        self.done.append("nack, requeue" if requeue else "nack")

    # Shelves

    async def put_off(self, delivery: Delivery, *, seconds: float, attempts: int) -> None:
        self._raise_if_away()
        self.done.append(f"put off {seconds:g} s after {attempts}")

    async def park(self, delivery: Delivery, *, attempts: int, cause: Cause) -> None:
        self._raise_if_away()
        self.done.append(f"park {cause.error} after {attempts}")

    def _raise_if_away(self) -> None:
        if self.away is not None:
            raise self.away

    # Inbox

    async def claim(self, key: str) -> Claim:
        self.done.append(f"claim {key}")
        found = self.claims.pop(0) if self.claims else Claim.NEW
        if isinstance(found, Exception):
            raise found
        return found

    async def remember(self, key: str) -> None:
        if self.away_at_done:
            self.away_at_done -= 1
            raise BackendUnavailableError
        self.done.append("done")

    async def release(self, key: str) -> None:
        self.done.append("release")

    def inbox(self) -> Any:
        return SimpleNamespace(claim=self.claim, done=self.remember, release=self.release)

    async def handle(
        self,
        call: Callable[[int], Awaitable[object]],
        *,
        parse: Callable[[Delivery], int] = lambda delivery: int(delivery.body),
        inbox: bool = False,
        **settings: Any,
    ) -> list[str]:
        settings = {"policy": RetryPolicy(), "queue": "q", **settings}
        find_inbox = self.inbox if inbox else None
        await Handling(parse, call, shelves=self, find_inbox=find_inbox, **settings)(self.delivery)
        return self.done


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handling, "_NOT_KEPT_PAUSE_SECONDS", 0)
    monkeypatch.setattr(handling_once, "_FIRST_PAUSE_SECONDS", 0)


async def returns(_: int) -> None:
    """Handle it."""


def raises(error: BaseException) -> Callable[[int], Awaitable[None]]:
    async def handle(_: int) -> None:
        raise error

    return handle


async def test_it_is_acknowledged_after_the_handler_returned() -> None:
    world = World()

    async def handle(_: int) -> None:
        world.done.append("handled")

    assert await world.handle(handle) == ["handled", "ack"]


async def test_it_is_kept_elsewhere_before_it_is_acknowledged() -> None:
    assert await World().handle(raises(ValueError())) == ["put off 1 s after 1", "ack"]
    assert await World(**{"x-attempt": 2}).handle(raises(ValueError())) == ["put off 25 s after 3", "ack"]


async def test_the_last_attempt_parks_it() -> None:
    assert await World(**{"x-attempt": 4}).handle(raises(ValueError())) == ["park ValueError after 5", "ack"]
    assert await World().handle(raises(ValueError()), policy=NO_RETRY) == ["park ValueError after 1", "ack"]


async def test_a_handler_steers_with_retry_and_reject() -> None:
    assert await World().handle(raises(Retry())) == ["put off 1 s after 1", "ack"]
    assert await World().handle(raises(Retry(after=60))) == ["put off 60 s after 1", "ack"]
    parked = await World(**{"x-attempt": 4}).handle(raises(Retry(after=60)))
    assert parked[0].startswith("park")
    parked = await World().handle(raises(Reject("no")))
    assert parked[0].startswith("park")


async def test_what_cannot_be_read_is_parked_and_what_cannot_be_checked_is_tried_again() -> None:
    def parse(_: Delivery) -> int:
        raise InvalidMessageError("wrong")

    def stumble(_: Delivery) -> int:
        raise ZeroDivisionError

    parked = await World().handle(returns, parse=parse)
    assert parked[0].endswith("InvalidMessageError after 1")
    assert await World().handle(returns, parse=stumble) == ["put off 1 s after 1", "ack"]


async def test_what_the_broker_does_not_keep_elsewhere_is_given_back() -> None:
    world = World()
    world.away = BrokerUnavailableError("away")
    assert await world.handle(raises(ValueError())) == ["nack, requeue"]


async def test_what_comes_again_anyway_is_not_copied() -> None:
    world = World()
    world.is_closed = True
    assert await world.handle(raises(ValueError())) == []


async def test_what_a_handler_settled_is_not_settled_again() -> None:
    world = World()

    async def settle(_: int) -> None:
        await world.delivery.reject()

    async def settle_and_fail(_: int) -> None:
        await world.delivery.ack()
        raise ValueError

    assert await world.handle(settle) == ["nack"]
    world = World()
    assert await world.handle(settle_and_fail) == ["ack"]


async def test_what_a_quorum_queue_would_drop_next_is_a_failed_attempt() -> None:
    world = World(**{"x-delivery-count": 20})
    assert await world.handle(returns, delivery_limit=20) == ["put off 1 s after 1", "ack"]
    assert await World(**{"x-delivery-count": 19}).handle(returns, delivery_limit=20) == ["ack"]


async def test_the_inbox_is_told_before_the_broker() -> None:
    assert await World().handle(returns, inbox=True) == ["claim q:m1", "done", "ack"]
    world = World()
    assert await world.handle(raises(ValueError()), inbox=True) == [
        "claim q:m1",
        "release",
        "put off 1 s after 1",
        "ack",
    ]


async def test_what_was_done_is_acknowledged_and_what_is_busy_waits_without_counting() -> None:
    world = World()
    world.claims = [Claim.DONE]
    assert await world.handle(raises(AssertionError()), inbox=True) == ["claim q:m1", "ack"]
    world = World(**{"x-attempt": 2})
    world.claims = [Claim.BUSY]
    assert await world.handle(raises(AssertionError()), inbox=True) == ["claim q:m1", "put off 1 s after 2", "ack"]


async def test_while_the_inbox_is_away_the_message_waits() -> None:
    world = World()
    world.claims = [BackendUnavailableError(), PluginNotActiveError(), Claim.NEW]
    assert await world.handle(returns, inbox=True) == ["claim q:m1"] * 3 + ["done", "ack"]


@pytest.mark.parametrize(("times", "told"), [(1, ["done"]), (99, [])])
async def test_an_effect_that_cannot_be_remembered_is_not_repeated(times: int, told: list[str]) -> None:
    world = World()
    world.away_at_done = times
    assert await world.handle(returns, inbox=True) == ["claim q:m1", *told, "ack"]


async def test_what_a_handler_gives_back_is_not_remembered_as_processed() -> None:
    world = World()

    async def give_back(_: int) -> None:
        await world.delivery.nack()

    assert await world.handle(give_back, inbox=True) == ["claim q:m1", "nack, requeue", "release"]


async def test_a_cancelled_handler_leaves_its_message_unsettled_and_unclaimed() -> None:
    world = World()
    with pytest.raises(asyncio.CancelledError):
        await world.handle(raises(asyncio.CancelledError()), inbox=True)
    assert world.done == ["claim q:m1", "release"]


async def test_a_message_without_an_identity_is_handled_without_the_inbox() -> None:
    world = World()
    world.delivery.properties.message_id = None
    assert await world.handle(returns, inbox=True) == ["ack"]
