"""The names under which a service answers."""

import pytest
from fastapi import WebSocket
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from fastapi_factory_utilities.core.api import create_fastapi


def status(allowed: list[str], host: str) -> int:
    app = create_fastapi(title="Library", version="1", allowed_hosts=allowed)
    return TestClient(app).get("/openapi.json", headers={"Host": host}).status_code


@pytest.mark.parametrize(
    ("allowed", "host", "expected"),
    [
        (["api.example"], "api.example", 200),
        (["API.example."], "api.EXAMPLE:80", 200),
        (["*.example"], "a.b.example", 200),
        (["*.example"], "example", 421),
        (["*.example"], "badexample", 421),
        (["10.0.0.7", "::1"], "10.0.0.7:8000", 200),
        (["10.0.0.7", "::1"], "[::1]:8000", 200),
        (["[::1]"], "[::1]", 200),
        (["api.example"], "api.example:port", 400),
        (["api.example"], "http://api.example", 400),
        (["api.example"], "api.example, evil.example", 400),
        (["*"], "anything", 200),
        ([], "anything", 200),
    ],
)
def test_a_host_is_served_if_it_is_allowed(allowed: list[str], host: str, expected: int) -> None:
    assert status(allowed, host) == expected


def test_a_websocket_is_refused_as_well() -> None:
    app = create_fastapi(title="Library", version="1", allowed_hosts=["api.example"])

    @app.websocket("/live")
    async def live(websocket: WebSocket) -> None:
        await websocket.accept()

    client = TestClient(app)
    with client.websocket_connect("ws://api.example/live", headers={"Host": "api.example"}):
        pass
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/live", headers={"Host": "evil.example"}):
        pass
