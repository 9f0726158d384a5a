"""Audit events are published or kept with what they are about, and a lost one is told."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from structlog.testing import capture_logs

from fastapi_factory_utilities.core.plugins.aiopika import AbstractPublisher, Exchange, GenericMessage, Queue
from fastapi_factory_utilities.core.services.audit import (
    AbstractAuditPublisherService,
    AuditEventObject,
    AuditService,
    AuditServiceError,
    Redacted,
)
from fastapi_factory_utilities.testing import InMemoryBroker
from tests.integration.outbox.post import Database, Post, Recorder, eventually
from tests.integration.rabbitmq.shown import connected

AUDIT = Exchange("audit", "topic")
CARD = "card-4711-canary"


class AuditPublisher(AbstractPublisher[GenericMessage[Any]]):
    """What somebody did."""


class BookLent(AuditEventObject):
    """An event with fields of its own."""

    book_id: str
    card_number: Redacted[str]
    pin: SecretStr | None = None
    note: Redacted[str | None] = None


class Loans(AbstractAuditPublisherService[BookLent]):
    """Chooses its own keys."""

    def build_routing_key_pattern(self, event: BookLent) -> str:
        return f"loans.{event.book_id}"


def lent(**changes: Any) -> BookLent:
    facts = {"what": "book.lent", "why": "a reader asked", "where": "loans", "who": {"id": "ada"}, "book_id": "7"}
    return BookLent.model_validate({**facts, "card_number": CARD, "pin": CARD, **changes})


@pytest.mark.parametrize(
    "wrong",
    [
        {"who": {}},
        {"who": {"name": "Ada"}},
        {"who": {"id": ""}},
        {"who": {"id": None}},
        {"what": ""},
        {"why": ""},
        {"where": ""},
        {"when": datetime(2026, 1, 1)},  # noqa: DTZ001 - that is what is wrong
        {"unknown": 1},
    ],
    ids=str,
)
def test_an_event_says_who_did_what_why_where_and_when(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        lent(**wrong)
    east = timezone(timedelta(hours=5))
    assert lent(when=datetime(2026, 1, 1, 3, tzinfo=east)).when == datetime(2025, 12, 31, 22, tzinfo=UTC)
    assert lent().when.tzinfo is UTC
    assert lent().event_id != lent().event_id
    assert CARD not in repr(lent())


@pytest.mark.parametrize(
    ("sender", "where", "what", "key"),
    [
        ("library", "loans", "book.lent", "library.loans.book.lent"),
        ("library", "loans/desk 1", "book lent!", "library.loans_desk_1.book_lent"),
        ("library", "#", "*", "library"),
        ("library", "..", ".lent.", "library.lent"),
        ("library", "a" * 100, "b." * 50, f"library.{'a' * 100}.{'.'.join('b' * 50)}"),
    ],
)
def test_a_routing_key_is_words_that_no_pattern_mistakes(sender: str, where: str, what: str, key: str) -> None:
    audit = AuditService(sender, AuditPublisher(AUDIT))
    assert audit.build_routing_key_pattern(lent(where=where, what=what)) == key


def test_a_sender_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="sender"):
        AuditService("...", AuditPublisher(AUDIT))


async def test_an_event_reaches_the_broker_without_what_is_marked(amqp_broker: InMemoryBroker) -> None:
    async with connected(amqp_broker.url) as connection:
        await connection.ready()
        await Queue("audit.all", AUDIT, "#").set_robust_connection(connection).setup()
        publisher = AuditPublisher(AUDIT)
        publisher.set_robust_connection(connection)
        event = lent()
        await AuditService("library", publisher).publish(event)
        await Loans("library", publisher).publish(lent(note="private"))
    first, second = amqp_broker.messages("audit.all")
    told = json.loads(first.body)
    assert told["who"] == {"id": "ada"}
    assert (told["book_id"], told["card_number"], told["pin"], told["note"]) == ("7", "***", "**********", None)
    assert json.loads(second.body)["note"] == "***"
    assert CARD.encode() not in first.body + second.body
    assert (first.routing_key, second.routing_key) == ("library.loans.book.lent", "loans.7")
    assert first.message_id == event.event_id
    assert first.headers["audit-sender"] == "library"


@pytest.mark.parametrize("fault", ["no queue", "not connected", "no broker"])
async def test_an_event_that_is_not_kept_is_an_error_and_in_the_log(amqp_broker: InMemoryBroker, fault: str) -> None:
    event = lent()
    async with connected(amqp_broker.url) as connection:
        await connection.ready()
        publisher = AuditPublisher(AUDIT)
        if fault != "not connected":
            publisher.set_robust_connection(connection, timeout_seconds=0.3)
            await publisher.setup()
        if fault == "no broker":
            amqp_broker.stop()
        with capture_logs() as lines, pytest.raises(AuditServiceError, match="was not recorded") as caught:
            await AuditService("library", publisher).publish(event)
    assert caught.value.fields == {"event_id": event.event_id, "what": "book.lent"}
    (line,) = [line for line in lines if line["event"] == "audit event not recorded"]
    assert (line["log_level"], line["event_id"]) == ("error", event.event_id)
    assert CARD not in str(line) + str(caught.value)


async def test_within_a_transaction_it_is_recorded_if_and_only_if_that_is_committed(
    post: Post, database: Database
) -> None:
    audit = AuditService("library", AuditPublisher(AUDIT))  # no broker is needed, nor asked for
    kept, lost = lent(), lent()
    async with post.outbox.transaction() as tx:
        await audit.publish(kept, within=tx)

    async def fails() -> None:
        async with post.outbox.transaction() as tx:
            await audit.publish(lost, within=tx)
            raise KeyError("later")

    with pytest.raises(KeyError):
        await fails()
    async with post.outbox.transaction() as tx:
        await audit.publish(last := lent(), within=tx)
    recorder = Recorder()
    async with post.relaying(recorder):
        await eventually(lambda: len(recorder.sent) == 2)
    assert recorder.sent == [kept.event_id, last.event_id]
    assert recorder.messages[0].routing_key == "library.loans.book.lent"
    assert CARD.encode() not in recorder.messages[0].body
    assert await database.list_collection_names()
