"""A small application in development, and a client of it on this machine."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Security, WebSocket
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer
from pydantic import SecretStr
from starlette.testclient import TestClient

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins import FrozenModel, PluginAbstract

__all__ = ["SECRET", "Shop", "builder", "client"]

SECRET = "planted-kX81-secret"
APPLICATION = {
    "service_namespace": "tests",
    "service_name": "shop",
    "description": "Sells.",
    "version": "1.2.3",
    "environment": "development",
}

_log = get_logger("shop.orders")
_bearer = OAuth2PasswordBearer("/token", scopes={"orders:write": "Take orders."})
_key = APIKeyHeader(name="X-Api-Key", auto_error=False)
router = APIRouter(prefix="/api/v1/orders")


def page_size(limit: int = 10) -> int:
    return limit


@router.get("/{order_id}")
async def find_order(order_id: str, size: Annotated[int, Depends(page_size)]) -> str:
    _log.info("order looked up", order_id=order_id, size=size)
    if order_id == "broken":
        raise RuntimeError("the shelf is empty")
    return order_id


@router.post("")
async def add_order(order: dict[str, str], token: Annotated[str, Security(_bearer, scopes=["orders:write"])]) -> str:
    return token


@router.get("/{order_id}/slowly", dependencies=[Depends(_key)])
async def find_slowly(order_id: str) -> str:
    _log.warning("slow order", note=order_id)
    Shop.reached.set()
    await Shop.may_go_on.wait()
    return order_id


@router.websocket("/live")
async def live(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close(4001)


class PaymentsConfig(FrozenModel):
    api_key: SecretStr = SecretStr(SECRET)
    url: str = f"https://payer:{SECRET}@payments.example/v1"
    password: str = SECRET


class ShopConfig(RootConfig):
    payments: PaymentsConfig = PaymentsConfig()


class Shop(ApplicationAbstract[ShopConfig]):
    reached = asyncio.Event()
    may_go_on = asyncio.Event()

    def configure(self) -> None:
        self.get_asgi_app().include_router(router)


class ShopBuilder(ApplicationGenericBuilder[Shop]):
    pass


def builder(*plugins: PluginAbstract[Any], **sections: Any) -> ShopBuilder:
    application = APPLICATION | sections.pop("application", {})
    return ShopBuilder(plugins=plugins).add_config({"application": application, **sections})


@contextmanager
def client(*plugins: PluginAbstract[Any], **sections: Any) -> Iterator[TestClient]:
    """Run the application; the client is a browser on this machine."""
    Shop.reached, Shop.may_go_on = asyncio.Event(), asyncio.Event()
    app = builder(*plugins, **sections).build()
    with TestClient(
        app, "http://localhost:8000", client=("127.0.0.1", 50000), raise_server_exceptions=False
    ) as browser:
        yield browser
