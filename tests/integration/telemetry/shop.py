"""A service that does a little of everything, served on a real socket."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, ClassVar

import httpx
import uvicorn
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, SecretStr
from starlette.types import ASGIApp

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource, AioHttpPlugin, AioHttpResourceDepends
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryPlugin, trace_span
from fastapi_factory_utilities.testing.otlp import OtlpCollector

APPLICATION = {
    "service_namespace": "library",
    "service_name": "shop",
    "description": "A shop.",
    "version": "1.2.3",
    "environment": "production",
}

router = APIRouter(prefix="/api")
_log = get_logger(__name__)


class Order(BaseModel):
    title: str
    count: int = 1


@trace_span("price")
async def _price(number: int) -> int:
    await asyncio.sleep(0)
    with trace_span("discount") as span:
        span.set_attribute("book", number)
        return number


@trace_span("weigh")
def _weigh(number: int) -> int:
    return number


@trace_span("mail")
async def _mail() -> None:
    await asyncio.sleep(0)


@router.get("/books/{number}")
async def read(number: int) -> dict[str, int]:
    prices = await asyncio.gather(_price(number), _price(number + 1))
    return {"price": sum(prices), "weight": _weigh(number)}


@router.get("/pages/{number}")
async def read_page(number: int) -> dict[str, int]:
    return {"price": await _price(number)}


@router.get("/shelves/{number}")
def read_in_a_thread(number: int) -> dict[str, int]:
    return {"weight": _weigh(number)}


@router.post("/orders", status_code=201)
async def order(order: Order, background: BackgroundTasks) -> dict[str, str]:
    _log.info("ordered", count=order.count)
    background.add_task(_mail)
    return {"status": "ordered"}


@router.post("/parse")
async def parse(request: Request) -> None:
    Order.model_validate_json(await request.body())


@router.get("/gone")
@router.get("/stream")
async def stream() -> StreamingResponse:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            with trace_span("chunk"):
                await asyncio.sleep(0)
                yield b"chunk"

    return StreamingResponse(chunks())


@router.get("/broken")
async def broken(request: Request) -> None:
    await _price(1)
    secret: SecretStr = request.app.state.secret
    raise LookupError(f"no connection with {secret.get_secret_value()}")


@router.get("/refused")
async def refused() -> None:
    raise HTTPException(503)


@router.post("/call")
async def call(
    request: Request, elsewhere: Annotated[AioHttpClientResource, Depends(AioHttpResourceDepends("elsewhere"))]
) -> None:
    told = await request.json()
    async with elsewhere.acquire_client_session() as session:
        response = await session.post(
            "orders",
            params={"token": told["query"]},
            headers={"Authorization": f"Bearer {told['header']}"},
            data=told["body"],
        )
        response.raise_for_status()


@router.websocket("/talk")
async def talk(socket: WebSocket) -> None:
    await socket.accept()
    with trace_span("answer"):
        await socket.send_text(await socket.receive_text())
    await socket.close()


class ShopConfig(RootConfig):
    shop_key: SecretStr = SecretStr("not-the-key-of-the-shop")


class Shop(ApplicationAbstract[ShopConfig]):
    PACKAGE_NAME: ClassVar[str] = "tests"

    def configure(self) -> None:
        asgi: FastAPI = self.get_asgi_app()
        asgi.state.secret = self.get_config().shop_key
        asgi.include_router(router)


# Everything leaves at once, so that tests wait for nothing but their own work.
AT_ONCE: Mapping[str, Any] = {
    "timeout": 2,
    "closing_timeout": 2,
    "tracer_config": {"schedule_delay_millis": 10},
    "meter_config": {"reader_interval_millis": 60_000},
}


def telemetry_to(collector: OtlpCollector, protocol: str = "http", **more: Any) -> dict[str, Any]:
    """The section of an application that sends to a collector."""
    endpoint = collector.http_endpoint if protocol == "http" else collector.grpc_endpoint
    return {**AT_ONCE, "endpoint": endpoint, "protocol": f"otlp_{protocol}", **more}


def build(telemetry: Mapping[str, Any], *, sinks: Any = (), **sections: Any) -> Shop:
    """Build the shop."""
    plugins = [OpenTelemetryPlugin(sinks=sinks), AioHttpPlugin()]
    everything = {"application": APPLICATION, "opentelemetry": dict(telemetry), **sections}
    return ApplicationGenericBuilder(application_class=Shop, plugins=plugins).add_config(everything).build()


@asynccontextmanager
async def served(app: ASGIApp | Shop) -> AsyncIterator[httpx.AsyncClient]:
    """Serve an application from its start to its stop, in a thread of its own, and give a client."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="on"))
    thread = threading.Thread(target=server.run, name="served")
    thread.start()
    try:
        async with asyncio.timeout(10):
            while not server.started:
                assert thread.is_alive(), "the application did not start"
                await asyncio.sleep(0.005)
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=10) as client:
            yield client
    finally:
        server.should_exit = True
        await asyncio.to_thread(thread.join, 15)
        assert not thread.is_alive()
