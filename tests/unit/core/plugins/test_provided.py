"""What `Provided` promises to routes, tests and plugins."""

from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, WebSocket
from starlette.testclient import TestClient

from fastapi_factory_utilities.core.plugins import PluginNotActiveError, Provided

greeting = Provided[str]("greeting", plugin="GreetingPlugin")
Greeting = Annotated[str, Depends(greeting)]


def app_with_routes() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def read(value: Greeting) -> str:
        return value

    @app.get("/keyed")
    async def read_keyed(value: Annotated[str, Depends(greeting["evening"])]) -> str:
        return value

    @app.websocket("/ws")
    async def talk(websocket: WebSocket, value: Greeting) -> None:
        await websocket.accept()
        await websocket.send_text(value)
        await websocket.close()

    return app


def test_a_route_and_a_websocket_get_what_was_published() -> None:
    app = app_with_routes()
    greeting.publish(app, "hello")
    client = TestClient(app)
    assert client.get("/").json() == "hello"
    with client.websocket_connect("/ws") as websocket:
        assert websocket.receive_text() == "hello"


def test_a_key_is_a_slot_of_its_own() -> None:
    app = app_with_routes()
    greeting.publish(app, "hello")
    greeting["evening"].publish(app, "good evening")
    client = TestClient(app)
    assert client.get("/keyed").json() == "good evening"
    assert client.get("/").json() == "hello"


def test_an_override_replaces_it() -> None:
    app = app_with_routes()
    app.dependency_overrides[greeting] = lambda: "double"
    app.dependency_overrides[greeting["evening"]] = lambda: "keyed double"
    client = TestClient(app)
    assert client.get("/").json() == "double"
    assert client.get("/keyed").json() == "keyed double"


def test_what_nobody_provides_is_one_error_that_names_the_plugin() -> None:
    with pytest.raises(PluginNotActiveError, match="list GreetingPlugin in the builder's plugins"):
        greeting.of(FastAPI())


def test_it_is_published_once_and_withdrawn_at_the_end() -> None:
    app = FastAPI()
    greeting.publish(app, "hello")
    with pytest.raises(ValueError, match="greeting"):
        greeting.publish(app, "again")
    greeting.withdraw(app)
    greeting.withdraw(app)
    with pytest.raises(PluginNotActiveError):
        greeting.of(app)


def test_two_applications_do_not_see_each_other() -> None:
    one, two = FastAPI(), FastAPI()
    greeting.publish(one, "hello")
    greeting.publish(two, "goodbye")
    assert (greeting.of(one), greeting.of(two)) == ("hello", "goodbye")
