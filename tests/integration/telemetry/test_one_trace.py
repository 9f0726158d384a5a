"""One trace through everything: a request, MongoDB, the outbox, RabbitMQ, a listener, and tasks.

Polled with a deadline; the pauses are those of the service's own policies.
"""

import asyncio
import json
from typing import Any

import pytest

from fastapi_factory_utilities.core.telemetry import SpanKind
from fastapi_factory_utilities.testing import InMemoryBroker
from fastapi_factory_utilities.testing.telemetry import SpanCapture, SpanRecord
from tests.integration.in_thread import serving
from tests.integration.telemetry.library import library, make_shop

RUN = 'send index_book > process index_book > "aggregate books"'


def same_trace(*spans: SpanRecord) -> bool:
    return len({span.trace_id for span in spans}) == 1


async def test_a_request_its_message_and_its_task_are_one_trace(
    mongo_uri: str, amqp_broker: InMemoryBroker, span_capture: SpanCapture
) -> None:
    async with library(mongo_uri, amqp_broker.url, span_capture) as client:
        await client.post("/said", params={"title": "Emma"})
        await span_capture.story(
            f"POST /said > publish books > process index > (findAndModify inbox; ({RUN}); update inbox)"
        )
        published, handled = span_capture.one("publish books"), span_capture.one("process index")
        sent, run = span_capture.one("send index_book"), span_capture.one("process index_book")
        span_capture.assert_no_orphans()
    assert [span.kind for span in (published, handled, sent, run)] == [
        SpanKind.PRODUCER,
        SpanKind.CONSUMER,
        SpanKind.PRODUCER,
        SpanKind.CONSUMER,
    ]
    ids = {span.attributes["messaging.message.id"] for span in (published, handled)}
    assert published.attributes == {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
        "messaging.destination.name": "books:book.added",
        "messaging.destination.template": "books",
        "messaging.rabbitmq.destination.routing_key": "book.added",
        "messaging.message.id": ids.pop(),
        "messaging.message.conversation_id": "shelf 7",
        "messaging.message.body.size": len('{"title":"Emma"}'),
    }
    assert not ids
    assert handled.attributes == {
        **published.attributes,
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "books:book.added:index",
        "messaging.destination.template": "index",
        "messaging.rabbitmq.message.delivery_tag": 1,
        "messaging.message.delivery_attempt": 1,
    }
    assert run.attributes == {
        "messaging.system": "taskiq",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "{tasks:tests:library:books}",
        "taskiq.task_name": "index_book",
        "messaging.message.id": sent.attributes["messaging.message.id"],
        "messaging.message.body.size": run.attributes["messaging.message.body.size"],
        "messaging.message.delivery_attempt": 1,
    }


async def test_of_many_messages_at_once_each_has_its_own_span_and_so_has_one_that_nobody_takes(
    mongo_uri: str, amqp_broker: InMemoryBroker, span_capture: SpanCapture
) -> None:
    async with library(mongo_uri, amqp_broker.url, span_capture) as client:
        await client.post("/said/all", json=["Emma", "Anna"])
        await span_capture.story(
            "POST /said/all > (publish books > process index > ...); (publish books > process index > ...)"
        )
        await span_capture.wait_for_span(lambda _: len(span_capture.named("aggregate books")) == 2)
        span_capture.clear()
        await client.post("/said", params={"title": "Clara", "routing_key": "nowhere"})
        lost = await span_capture.wait_for_span(lambda span: span.name == "publish books")
    assert lost.status == "error"
    assert str(lost.attributes["error.type"]).endswith(".UnroutableMessageError")


async def test_a_task_that_asks_another_service_takes_the_trace_there(
    mongo_uri: str, amqp_broker: InMemoryBroker, span_capture: SpanCapture
) -> None:
    with serving(make_shop(span_capture)) as url:
        http = {"http": {"shop": {"url": url}}}
        async with library(mongo_uri, amqp_broker.url, span_capture, dependencies=http) as client:
            await client.post("/said", params={"title": "ordered"})
            await span_capture.story(
                "POST /said > publish books > process index > ("
                "findAndModify inbox; (send order_book > process order_book > GET > GET /stock/{title}); update inbox)",
                in_any_order=True,
            )
    span_capture.assert_no_orphans()
    assert span_capture.one("GET /stock/{title}").resource["service.name"] == "shop"


async def test_what_is_saved_in_the_outbox_belongs_to_the_request_that_saved_it(
    mongo_uri: str, amqp_broker: InMemoryBroker, span_capture: SpanCapture
) -> None:
    async with library(mongo_uri, amqp_broker.url, span_capture) as client:
        await client.post("/saved", params={"title": "Emma"})
        await span_capture.story(
            "POST /saved > transaction outbox > (insert books; (create books > "
            f"(publish books; (process index > (findAndModify inbox; ({RUN}); update inbox)))); insert outbox)",
            in_any_order=True,
        )
        span_capture.assert_no_orphans()
    created, published, handled = (
        span_capture.one(f"{what}") for what in ("create books", "publish books", "process index")
    )
    assert (created.kind, published.kind) == (SpanKind.PRODUCER, SpanKind.CLIENT)
    assert [link.span_id for link in published.links] == [created.span_id]
    assert handled.parent_id == created.span_id
    assert span_capture.one("insert books").attributes == {
        "db.system.name": "mongodb",
        "db.namespace": mongo_uri.rpartition("/")[2].partition("?")[0],
        "db.collection.name": "books",
        "db.operation.name": "insert",
    }


async def test_a_message_that_is_put_off_and_a_task_that_is_tried_again_stay_in_their_trace(
    mongo_uri: str, amqp_broker: InMemoryBroker, span_capture: SpanCapture
) -> None:
    async with library(mongo_uri, amqp_broker.url, span_capture) as client:
        await client.post("/said", params={"title": "unlucky"})
        await span_capture.story(
            "POST /said > publish books > ("
            "(process index [messaging.message.delivery_attempt=1, status=error] > ...);"
            "(process index [messaging.message.delivery_attempt=2, status=unset] > (...; send index_book > ("
            "  process index_book [messaging.message.delivery_attempt=1, status=error];"
            "  process index_book [messaging.message.delivery_attempt=2] > aggregate books))))",
            in_any_order=True,
        )
        span_capture.assert_no_orphans()
    failed = next(span for span in span_capture.named("process index") if span.status == "error")
    assert failed.attributes["error.type"] == "ConnectionError"


async def test_a_dead_letter_keeps_its_trace_also_when_it_is_sent_back(
    mongo_uri: str, amqp_broker: InMemoryBroker, span_capture: SpanCapture
) -> None:
    async with library(mongo_uri, amqp_broker.url, span_capture) as client:
        await client.post("/said", params={"title": "hopeless"})
        async with asyncio.timeout(10):
            while not amqp_broker.messages("index.dead"):
                await asyncio.sleep(0.01)
        assert (await client.post("/revived")).json() == 1
        await span_capture.wait_for_span(lambda _: len(span_capture.named("process index")) == 4)
        published = span_capture.one("publish books")
        assert {span.parent_id for span in span_capture.named("process index")} == {published.span_id}
        assert same_trace(published, *span_capture.named("process index"))


async def test_a_schedule_fires_once_in_a_trace_of_its_own_that_knows_who_made_it(
    mongo_uri: str, amqp_broker: InMemoryBroker, span_capture: SpanCapture
) -> None:
    async with library(mongo_uri, amqp_broker.url, span_capture) as client:
        await client.post("/later", params={"title": "Emma"})
        await span_capture.story(f"(POST /later); ({RUN})")
        asked, sent = span_capture.one("POST /later"), span_capture.one("send index_book")
    assert sent.parent_id is None
    assert sent.trace_id != asked.trace_id
    assert [(link.trace_id, link.span_id) for link in sent.links] == [(asked.trace_id, asked.span_id)]
    assert sent.attributes["taskiq.schedule_id"]


async def test_messages_tasks_and_operations_are_counted_and_timed_failures_by_their_kind(
    mongo_uri: str, amqp_broker: InMemoryBroker, span_capture: SpanCapture
) -> None:
    async with library(mongo_uri, amqp_broker.url, span_capture) as client:
        await client.post("/said", params={"title": "unlucky"})
        await span_capture.wait_for_span(lambda span: span.name == "aggregate books")
        await span_capture.wait_for_span(lambda _: len(span_capture.named("process index_book")) == 2)
        figures = (await client.get("/metrics")).text

    def count(name: str, *labels: str) -> list[float]:
        """The values of all the series of a name that have these labels."""
        lines = [line for line in figures.splitlines() if line.startswith(f"{name}{{")]
        return sorted(
            float(line.partition("} ")[2].split()[0]) for line in lines if all(label in line for label in labels)
        )

    publish, process = 'messaging_operation_name="publish"', 'messaging_operation_name="process"'
    index, task = 'messaging_destination_template="index"', 'taskiq_task_name="index_book"'
    failed = 'error_type="ConnectionError"'
    assert count("messaging_client_sent_messages_total", publish, 'messaging_destination_template="books"') == [1]
    assert count("messaging_client_sent_messages_total", task) == [1]
    assert count("messaging_client_consumed_messages_total", index) == [1, 1]
    assert count("messaging_client_consumed_messages_total", index, failed) == [1]
    assert count("messaging_process_duration_seconds_count", process, task) == [1, 1]
    assert count("messaging_process_duration_seconds_count", process, task, failed) == [1]
    assert count("messaging_client_operation_duration_seconds_count", publish) == [1]
    assert count("db_client_operation_duration_seconds_count", 'db_operation_name="aggregate"') == [1]


async def test_every_line_of_a_message_and_of_a_task_names_its_span(
    mongo_uri: str, amqp_broker: InMemoryBroker, span_capture: SpanCapture, capfd: pytest.CaptureFixture[str]
) -> None:
    async with library(mongo_uri, amqp_broker.url, span_capture) as client:
        await client.post("/said", params={"title": "unlucky"})
        await span_capture.wait_for_span(lambda span: span.name == "aggregate books")
        await span_capture.wait_for_span(lambda _: len(span_capture.named("process index_book")) == 2)
        out, err = capfd.readouterr()
    lines = [json.loads(line) for line in (out + err).splitlines() if line.startswith("{")]
    spans = {(span.trace_id, span.span_id): span.name for span in span_capture.spans}

    def span_of(line: dict[str, Any]) -> str | None:
        return spans.get((line.get("trace_id", ""), line.get("span_id", "")))

    told = [
        (line["event"], span_of(line))
        for line in lines
        if line["event"] in {"message at work", "message failed", "task at work", "task failed, it is tried again"}
    ]
    assert told == [
        ("message at work", "process index"),
        ("message failed", "process index"),
        ("message at work", "process index"),
        ("task at work", "process index_book"),
        ("task failed, it is tried again", "process index_book"),
        ("task at work", "process index_book"),
    ]


async def test_without_the_plugin_nothing_is_added_to_what_is_sent(mongo_uri: str, amqp_broker: InMemoryBroker) -> None:
    async with library(mongo_uri, amqp_broker.url, None) as client:
        await client.post("/said", params={"title": "hopeless"})
        async with asyncio.timeout(10):
            while not (letters := amqp_broker.messages("index.dead")):
                await asyncio.sleep(0.01)
    assert not {name for name in letters[0].headers if not name.startswith("x-")}
