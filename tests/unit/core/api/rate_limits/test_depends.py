"""A limit as a dependency of a route."""

import subprocess
import sys
from typing import Annotated

import pytest
from fastapi import APIRouter, FastAPI, Header, WebSocket
from starlette.datastructures import Address
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient, WebSocketDenialResponse

from fastapi_factory_utilities.core.api import create_fastapi, flatten_routes
from fastapi_factory_utilities.core.api.rate_limits import (
    RateLimitSettings,
    client_address,
    configure_rate_limits,
    rate_limit,
)


async def user(x_user: Annotated[str, Header()]) -> str:
    return x_user


@pytest.fixture
def app() -> FastAPI:
    app = create_fastapi(title="Library", version="1")
    router = APIRouter(prefix="/shop", dependencies=[rate_limit("3/minute")])

    @router.get("/a/{number}")
    async def a(number: int) -> None:
        pass

    @router.get("/b")
    async def b() -> None:
        pass

    @app.post("/login", dependencies=[rate_limit("1/minute", name="login")])
    @app.post("/login/again", dependencies=[rate_limit("1/minute", name="login")])
    async def login() -> None:
        pass

    @app.get("/mine", dependencies=[rate_limit("1/minute", by=user), rate_limit("3/hour", by=user)])
    async def mine() -> None:
        pass

    @app.websocket("/live", dependencies=[rate_limit("1/minute")])
    async def live(websocket: WebSocket) -> None:
        await websocket.accept()

    app.include_router(router)
    flatten_routes(app)
    return app


def statuses(client: TestClient, *paths: str, method: str = "GET", **headers: str) -> list[int]:
    return [client.request(method, path, headers=headers).status_code for path in paths]


def test_each_route_of_a_router_counts_for_itself_whatever_its_parameters(client: TestClient) -> None:
    assert statuses(client, "/shop/a/1", "/shop/a/2", "/shop/a/3", "/shop/a/4") == [200, 200, 200, 429]
    assert statuses(client, "/shop/b") == [200]


def test_limits_of_one_name_count_together(client: TestClient) -> None:
    assert statuses(client, "/login", "/login/again", method="POST") == [200, 429]


def test_a_dependency_says_who_asks_and_several_limits_stand_beside_each_other(client: TestClient) -> None:
    assert statuses(client, "/mine", "/mine", **{"X-User": "ann"}) == [200, 429]
    assert statuses(client, "/mine", **{"X-User": "bob"}) == [200]


def test_a_websocket_is_limited_as_well(client: TestClient) -> None:
    with client.websocket_connect("/live"):
        pass
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/live"):
        pass
    assert refused.value.status_code == 429


def test_who_operates_the_service_has_the_last_word(app: FastAPI) -> None:
    configure_rate_limits(app, RateLimitSettings(routes={"login": "2/minute", "GET /shop/b": None}))
    client = TestClient(app)

    assert statuses(client, *["/login"] * 3, method="POST") == [200, 200, 429]
    assert statuses(client, *["/shop/b"] * 9) == [200] * 9


def test_all_limits_can_be_turned_off(app: FastAPI) -> None:
    configure_rate_limits(app, RateLimitSettings(enabled=False))

    assert statuses(TestClient(app), *["/login"] * 3, method="POST") == [200] * 3


def test_a_rate_that_is_none_is_an_error_where_it_is_written() -> None:
    with pytest.raises(ValueError, match="such as 5/minute"):
        rate_limit("often")


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
        (None, ""),
    ],
)
async def test_a_client_is_its_address_or_the_network_of_one_customer(host: str | None, client: str) -> None:
    scope = {"type": "http", "client": None if host is None else Address(host, 1)}

    assert await client_address(HTTPConnection(scope)) == client


def test_a_service_without_limits_imports_no_library_for_them() -> None:
    code = (
        "import sys\n"
        "import fastapi_factory_utilities.core.app, fastapi_factory_utilities.core.api.rate_limits\n"
        "print([name for name in ('limits', 'redis') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "[]"
