"""The servers that `bench_request.py` compares; each function is an application factory for uvicorn."""

from typing import Any

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

QUIET: Any = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


class Item(BaseModel):
    """What every FastAPI subject answers with."""

    id: int
    title: str
    price: float
    tags: list[str]


async def read_item(item_id: int) -> Item:
    """Answer one item."""
    return Item(id=item_id, title="The Lord of the Rings", price=12.5, tags=["fantasy", "classic"])


def _router() -> APIRouter:
    router = APIRouter()
    router.get("/items/{item_id}")(read_item)
    return router


def _nested() -> APIRouter:
    v1 = APIRouter(prefix="/v1")
    v1.include_router(_router())
    api = APIRouter(prefix="/api")
    api.include_router(v1)
    return api


def bare() -> ASGIApp:
    """FastAPI with its own telemetry off and a flat route: what counts as 1.00."""
    app = FastAPI(telemetry=QUIET)
    app.get("/items/{item_id}")(read_item)
    return app


def default() -> ASGIApp:
    """FastAPI as it comes."""
    app = FastAPI()
    app.get("/items/{item_id}")(read_item)
    return app


def included() -> ASGIApp:
    """FastAPI with its telemetry off and two levels of `include_router`."""
    app = FastAPI(telemetry=QUIET)
    app.include_router(_nested())
    return app


def raw() -> ASGIApp:
    """Raw ASGI: the floor."""
    body = b'{"status":"alive"}'
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ],
    }

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        await send(start)
        await send({"type": "http.response.body", "body": body})

    return app


def application() -> ASGIApp:
    """Our application without plugins and access log, in production, with two levels of `include_router`."""
    return _application(access_log=False, docs=False)


def application_as_shipped() -> ASGIApp:
    """The same with its access log."""
    return _application(access_log=True, docs=False)


def application_with_docs() -> ASGIApp:
    """The same without access log, and with the docs pages that development has."""
    return _application(access_log=False, docs=True)


def _application(*, access_log: bool, docs: bool) -> ASGIApp:
    # Not at import time: the bare subjects are to be as bare as anybody's.
    from fastapi_factory_utilities.core.app import (  # noqa: PLC0415 - see above
        ApplicationAbstract,
        ApplicationGenericBuilder,
        RootConfig,
    )

    class App(ApplicationAbstract[RootConfig]):
        def configure(self) -> None:
            self.get_asgi_app().include_router(_nested())

    about = {"service_namespace": "bench", "service_name": "bench", "description": "", "version": "1"}
    configuration = {
        "application": {**about, "environment": "production"},
        "server": {"access_log": access_log},
        "docs": {"enabled": docs},
    }
    return ApplicationGenericBuilder(application_class=App).add_config(configuration).build()
