"""What is told of MongoDB and Redis: an operation each, and nothing of what was kept there."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.plugins import PluginAbstract
from fastapi_factory_utilities.core.plugins.messages import OutgoingMessage
from fastapi_factory_utilities.core.plugins.odm_plugin import (
    EntityNotFoundError,
    ODMPlugin,
    UnableToCreateEntityDueToDuplicateKeyError,
    depends_odm_database,
)
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox import EmbeddingRepository
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryPlugin
from fastapi_factory_utilities.core.plugins.redis_plugin import RedisPlugin, depends_redis_client, depends_redis_inbox
from fastapi_factory_utilities.core.telemetry import SpanKind
from fastapi_factory_utilities.testing.running import lifespan
from fastapi_factory_utilities.testing.telemetry import SpanCapture
from tests.contracts.library import Book, BookDocument, Books

SECRET = "no-word-of-this"


class EmbeddingBooks(EmbeddingRepository[BookDocument, Book]):
    pass


class Application(ApplicationAbstract[RootConfig]):
    PACKAGE_NAME = "tests"
    ODM_DOCUMENT_MODELS = (BookDocument,)


@asynccontextmanager
async def running(plugins: Sequence[PluginAbstract[Any]], **sections: Any) -> AsyncIterator[Application]:
    """Run an application until the first time that all of its backends were there."""
    about = {"service_namespace": "tests", "service_name": "told", "description": "", "version": "1"}
    sections |= {"application": {**about, "environment": "production"}}
    app = ApplicationGenericBuilder(application_class=Application, plugins=list(plugins)).add_config(sections).build()
    async with lifespan(app):
        async with asyncio.timeout(20):
            while app.get_status_service().status.readiness != "ready":
                await asyncio.sleep(0.02)
        yield app


@asynccontextmanager
async def books_of(mongo_uri: str, capture: SpanCapture) -> AsyncIterator[Books]:
    """Books in the database of an application that tells of them; health has its own way, and is not told of."""
    telemetry = {"exporter": "none"}
    plugins = [OpenTelemetryPlugin(sinks=[capture]), ODMPlugin()]
    async with running(plugins, odm={"uri": mongo_uri}, opentelemetry=telemetry) as app:
        yield Books(depends_odm_database.of(app.get_asgi_app()))


async def test_each_call_of_a_repository_is_a_span_named_as_the_conventions_say(
    mongo_uri: str, span_capture: SpanCapture
) -> None:
    async with books_of(mongo_uri, span_capture) as books:
        emma, anna = await books.insert_many([Book(title="Emma"), Book(title="Anna")])
        await books.get_one_by_id(emma.id)
        await books.count()
        await books.upsert(await books.update(emma))
        assert len([book async for book in books.stream(batch_size=2)]) == 2
        async with books.transaction() as session:
            await books.delete_one_by_id(anna.id, session=session)
    span_capture.assert_story(
        "(insert books); (find books); (aggregate books); (update books); (findAndModify books);"
        "(find books); (find books); (transaction books > delete books)"
    )
    assert {span.kind for span in span_capture.spans if span.name != "transaction books"} == {SpanKind.CLIENT}
    assert span_capture.one("transaction books").kind == SpanKind.INTERNAL


async def test_a_message_embedded_in_its_entity_keeps_who_saved_it(mongo_uri: str, span_capture: SpanCapture) -> None:
    async with books_of(mongo_uri, span_capture) as books:
        database = books._database
        event = OutgoingMessage(exchange="books", routing_key="book.added", body=b"{}")
        await EmbeddingBooks(database).insert(Book(title="Emma"), events=[event])
        document = await database["books"].find_one({})
    assert document is not None
    (kept,) = document["_outbox"]
    span_capture.assert_story("(create books); (insert books)")
    assert span_capture.one("create books").trace_id in dict(kept["trace"])["traceparent"]


async def test_a_refused_operation_says_why_and_nothing_of_what_it_was_given(
    mongo_uri: str, span_capture: SpanCapture
) -> None:
    async with books_of(mongo_uri, span_capture) as books:
        await books.insert(Book(title=SECRET))
        with pytest.raises(UnableToCreateEntityDueToDuplicateKeyError):
            await books.insert(Book(title=SECRET))
        absent = Book(title="absent")
        with pytest.raises(EntityNotFoundError):
            await books.update(absent)
    _, refused, asked = span_capture.spans
    assert refused.status == "error"
    assert str(refused.attributes["error.type"]).endswith(".UnableToCreateEntityDueToDuplicateKeyError")
    assert asked.status == "unset"  # the server did as it was asked
    told = repr(span_capture.spans)
    assert SECRET not in told
    assert str(absent.id) not in told


async def test_each_command_and_each_pipeline_of_redis_is_a_span_without_its_arguments(
    redis_uri: str, span_capture: SpanCapture
) -> None:
    plugins = [OpenTelemetryPlugin(sinks=[span_capture]), RedisPlugin()]
    async with running(plugins, redis={"url": redis_uri}, opentelemetry={"exporter": "none"}) as app:
        asgi = app.get_asgi_app()
        redis, inbox = depends_redis_client.of(asgi), depends_redis_inbox.of(asgi)
        await redis.set(SECRET, SECRET)
        async with redis.pipeline() as pipe:
            pipe.incr("visits")
            pipe.get(SECRET)
            await pipe.execute()
        await inbox.claim(SECRET)
        with pytest.raises(Exception, match="unknown command"):
            await redis.execute_command(f"{SECRET} {SECRET}")  # type: ignore[no-untyped-call]  # the driver's
        await redis.aclose()
    spans = span_capture.spans
    assert [span.name for span in spans if span.name not in ("SCRIPT LOAD", "EVALSHA")] == ["SET", "MULTI", "command"]
    set_, multi = span_capture.one("SET"), span_capture.one("MULTI")
    host, _, port = redis_uri.partition("//")[2].partition("/")[0].rpartition(":")
    assert set_.attributes == {
        "db.system.name": "redis",
        "db.namespace": redis_uri.rpartition("/")[2],
        "db.operation.name": "SET",
        "server.address": host,
        "server.port": int(port),
    }
    assert multi.attributes["db.operation.batch.size"] == 2
    assert span_capture.one("command").attributes["error.type"]
    assert SECRET not in repr(spans)
