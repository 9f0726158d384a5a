"""One round of sending, without a server."""

import asyncio

import pytest

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError, FastAPIFactoryUtilitiesError
from fastapi_factory_utilities.core.plugins import PluginNotActiveError
from fastapi_factory_utilities.core.plugins.messages import OutgoingMessage
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox import sending
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.records import Record
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.sending import Outcome, send_all


def record(message_id: str, key: str | None = None) -> Record:
    message = OutgoingMessage(exchange="", routing_key="queue", body=b"", message_id=message_id)
    return Record(message, key, attempts=0)


class Sender:
    def __init__(self, errors: dict[str, Exception] | None = None) -> None:
        self.errors = errors or {}
        self.began: list[str] = []
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def send(self, message: OutgoingMessage) -> None:
        self.began.append(message.message_id)
        await self.may_end.wait()
        if message.message_id in self.errors:
            raise self.errors[message.message_id]


async def test_messages_without_a_key_are_in_flight_together_and_those_of_a_key_one_by_one() -> None:
    sender, outcome = Sender(), Outcome()
    sender.may_end.clear()
    records = [record("a1", "a"), record("1"), record("a2", "a"), record("b1", "b"), record("2")]
    sending_all = asyncio.create_task(send_all(records, sender, outcome, may_send=lambda: True))
    await asyncio.sleep(0.01)
    assert sender.began == ["a1", "1", "b1", "2"]
    sender.may_end.set()
    await sending_all
    assert sender.began[-1] == "a2"
    assert sorted(outcome.confirmed) == ["1", "2", "a1", "a2", "b1"]


@pytest.mark.parametrize(
    ("error", "is_about_the_message"),
    [
        (BackendUnavailableError("away"), False),
        (PluginNotActiveError("stopped"), False),
        (ConnectionResetError(), False),
        (TimeoutError(), False),
        (FastAPIFactoryUtilitiesError("no queue"), True),
        (TypeError("a header that cannot be written"), True),
    ],
)
async def test_what_fails_stops_those_behind_it_and_nobody_else(error: Exception, is_about_the_message: bool) -> None:
    outcome = Outcome()
    records = [record("a1", "a"), record("a2", "a"), record("b1", "b"), record("1")]
    sender = Sender({"a1": error})
    await send_all(records, sender, outcome, may_send=lambda: True)
    assert "a2" not in sender.began
    assert outcome.confirmed == ["b1", "1"]
    failed = [(records[0], error)]
    assert outcome.refused == (failed if is_about_the_message else [])
    assert outcome.unavailable == ([] if is_about_the_message else failed)


async def test_nothing_is_begun_once_it_may_not_be() -> None:
    sender, outcome = Sender(), Outcome()
    records = [record(f"a{number}", "a") for number in range(5)]
    await send_all(records, sender, outcome, may_send=lambda: len(sender.began) < 2)
    assert sender.began == outcome.confirmed == ["a0", "a1"]


async def test_what_was_confirmed_before_a_cancellation_is_known() -> None:
    sender, outcome = Sender(), Outcome()
    task = asyncio.create_task(send_all([record("1")], sender, outcome, may_send=lambda: True))
    await asyncio.sleep(0.01)
    assert task.done()
    sender.may_end.clear()
    task = asyncio.create_task(send_all([record("2")], sender, outcome, may_send=lambda: True))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    assert outcome == Outcome(confirmed=["1"])


async def test_a_sender_without_a_deadline_is_given_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_SEND_SECONDS", 0.01)
    sender, outcome = Sender(), Outcome()
    sender.may_end.clear()
    await send_all([record("1")], sender, outcome, may_send=lambda: True)
    assert [failed.id for failed, _ in outcome.unavailable] == ["1"]
