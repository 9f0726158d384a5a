"""The servers that `bench_telemetry.py` compares; each function is an application factory for uvicorn.

`BENCH_COLLECTOR` is the collector's URL, `BENCH_MONGO` a server's, `BENCH_NAME` the name of the service.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.types import ASGIApp

from benchmarks._subjects_request import QUIET, Item, read_item

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.app import ApplicationAbstract, RootConfig
    from fastapi_factory_utilities.core.plugins import PluginAbstract

DATABASE = "bench_telemetry"
BOOK_ID = UUID("6f1f3a52-7c1e-4f57-9d0b-6a1b2c3d4e5f")
WAIT_SECONDS = 0.002


class BookAnswer(BaseModel):
    """What every subject that reads from MongoDB answers with."""

    id: UUID
    title: str
    author: str
    pages: int


def bare() -> ASGIApp:
    """FastAPI with its own telemetry off and a flat route: what counts as 1.00."""
    return _flat(read_item)


def bare_waiting() -> ASGIApp:
    """The same, with an operation that takes 2 ms."""
    return _flat(read_item_slowly)


def bare_mongo() -> ASGIApp:
    """FastAPI and PyMongo alone."""
    collection = _collection()

    async def read_book(book_id: UUID) -> BookAnswer:
        found = await collection.find_one({"_id": book_id})
        assert found is not None
        return BookAnswer(id=found["_id"], title=found["title"], author=found["author"], pages=found["pages"])

    return _flat(read_book, path="/books/{book_id}")


def stock() -> ASGIApp:
    """FastAPI with the instrumentation of OpenTelemetry's contrib and its SDK."""
    return _stock(_flat(read_item))


def stock_mongo() -> ASGIApp:
    """The same with a MongoDB read in a span of the SDK's."""
    from opentelemetry.trace import SpanKind, get_tracer  # noqa: PLC0415 - only for this one

    collection = _collection()
    about = {"db.system.name": "mongodb", "db.operation.name": "find", "db.collection.name": "books"}

    async def read_book(book_id: UUID) -> BookAnswer:
        with get_tracer(__name__).start_as_current_span("find books", kind=SpanKind.CLIENT, attributes=about):
            found = await collection.find_one({"_id": book_id})
        assert found is not None
        return BookAnswer(id=found["_id"], title=found["title"], author=found["author"], pages=found["pages"])

    return _stock(_flat(read_book, path="/books/{book_id}"))


def application() -> ASGIApp:
    """Our application without plugins and access log."""
    return _application()


def application_waiting() -> ASGIApp:
    """The same, with an operation that takes 2 ms."""
    return _application(read_item_slowly)


def telemetry_waiting() -> ASGIApp:
    """The same with telemetry at 100 %."""
    return _application(read_item_slowly, ratio=1.0)


def telemetry_100() -> ASGIApp:
    """Our application with telemetry: a server span and the duration of every request."""
    return _application(ratio=1.0)


def telemetry_10() -> ASGIApp:
    """The same with a tenth of the traces."""
    return _application(ratio=0.1)


def telemetry_1() -> ASGIApp:
    """The same with a hundredth."""
    return _application(ratio=0.01)


def shipped() -> ASGIApp:
    """All as shipped: access log, a line of the service's own, traces and metrics at 100 %."""
    return _application(read_and_tell, ratio=1.0, access_log=True)


def application_mongo() -> ASGIApp:
    """Our application and repository, without telemetry."""
    return _mongo(None)


def telemetry_mongo_100() -> ASGIApp:
    """The same with telemetry."""
    return _mongo(1.0)


def telemetry_mongo_10() -> ASGIApp:
    """The same with a tenth of the traces."""
    return _mongo(0.1)


async def read_item_slowly(item_id: int) -> Item:
    """Answer one item after 2 ms."""
    await asyncio.sleep(WAIT_SECONDS)
    return await read_item(item_id)


async def read_and_tell(item_id: int) -> Item:
    """Answer one item, and say so."""
    from fastapi_factory_utilities.core.logs import get_logger  # noqa: PLC0415 - the bare subjects have none

    get_logger("bench").info("item read", item=item_id)
    return await read_item(item_id)


def _flat(endpoint: Callable[..., Awaitable[object]], path: str = "/items/{item_id}") -> FastAPI:
    app = FastAPI(telemetry=QUIET)
    app.get(path)(endpoint)
    return app


def _collection() -> Any:  # noqa: ANN401 - the driver's, which not every subject imports
    """Connect as `ODMPlugin` does, deadline included."""
    from pymongo import AsyncMongoClient  # noqa: PLC0415 - only for those that read from MongoDB

    options: dict[str, Any] = {"tz_aware": True, "uuidRepresentation": "standard", "timeoutMS": 4000}
    return AsyncMongoClient[dict[str, Any]](os.environ["BENCH_MONGO"], **options)[DATABASE]["books"]


def _stock(app: FastAPI) -> FastAPI:
    from opentelemetry import metrics, trace  # noqa: PLC0415 - the bare subjects are as bare as anybody's
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # noqa: PLC0415
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: PLC0415

    collector, ratio = os.environ["BENCH_COLLECTOR"], float(os.environ.get("BENCH_RATIO", "1"))
    resource = Resource.create({"service.name": os.environ["BENCH_NAME"]})
    tracers = TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(ratio)))
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{collector}/v1/traces")))
    trace.set_tracer_provider(tracers)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{collector}/v1/metrics"))
    metrics.set_meter_provider(MeterProvider([reader], resource=resource))
    FastAPIInstrumentor.instrument_app(app)
    return app


def _application(
    endpoint: Callable[..., Awaitable[object]] = read_item, *, ratio: float | None = None, access_log: bool = False
) -> ASGIApp:
    from fastapi_factory_utilities.core.app import ApplicationAbstract, RootConfig  # noqa: PLC0415 - as above

    class App(ApplicationAbstract[RootConfig]):
        def configure(self) -> None:
            self.get_asgi_app().get("/items/{item_id}")(endpoint)

    return _built(App, ratio, [], access_log=access_log)


def _mongo(ratio: float | None) -> ASGIApp:
    from benchmarks._rounds_mongo import BookDocument, Books  # noqa: PLC0415 - as above
    from fastapi_factory_utilities.core.app import ApplicationAbstract, RootConfig  # noqa: PLC0415 - as above
    from fastapi_factory_utilities.core.plugins.odm_plugin import ODMPlugin, depends_odm_database  # noqa: PLC0415

    class App(ApplicationAbstract[RootConfig]):
        ODM_DOCUMENT_MODELS = (BookDocument,)

        def configure(self) -> None:
            self.get_asgi_app().get("/books/{book_id}")(self.read_book)

        async def on_startup(self) -> None:
            self.books = Books(depends_odm_database.of(self.get_asgi_app()))

        async def read_book(self, book_id: UUID) -> BookAnswer:
            found = await self.books.get_one_by_id(book_id)
            assert found is not None
            return BookAnswer(id=found.id, title=found.title, author=found.author, pages=found.pages)

    return _built(App, ratio, [ODMPlugin()], access_log=False)


def _built(
    application_class: "type[ApplicationAbstract[RootConfig]]",
    ratio: float | None,
    plugins: "Sequence[PluginAbstract[Any]]",
    *,
    access_log: bool,
) -> ASGIApp:
    from fastapi_factory_utilities.core.app import ApplicationGenericBuilder  # noqa: PLC0415 - as above
    from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryPlugin  # noqa: PLC0415

    about = {"service_namespace": "bench", "service_name": os.environ["BENCH_NAME"], "description": "", "version": "1"}
    configuration: dict[str, Any] = {
        "application": {**about, "environment": "production"},
        "server": {"access_log": access_log},
        "docs": {"enabled": False},
    }
    active = list(plugins)
    if plugins:
        configuration["odm"] = {"uri": os.environ["BENCH_MONGO"], "database": DATABASE}
    if ratio is not None:
        active.append(OpenTelemetryPlugin())
        endpoint = os.environ["BENCH_COLLECTOR"]
        configuration["opentelemetry"] = {"endpoint": endpoint, "tracer_config": {"sampling_ratio": ratio}}
    builder = ApplicationGenericBuilder(application_class=application_class).add_config(configuration)
    for plugin in active:
        builder.add_plugin_to_activate(plugin)
    return builder.build()
