"""What is recorded of a WebSocket session."""

from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from opentelemetry.trace import StatusCode
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from fastapi_factory_utilities.core.api import create_fastapi
from tests.unit.core.plugins.opentelemetry_plugin.server.recorded import Recorded, exchange


def chat(recorded: Recorded) -> FastAPI:
    app = create_fastapi(title="Chat", version="1")

    async def room(websocket: WebSocket, name: str) -> None:
        if name == "closed":
            await websocket.close()
            return
        await websocket.accept()
        if name == "broken":
            raise ValueError
        async for text in websocket.iter_text():
            with recorded.telemetry.span("reply"):
                await websocket.send_text(text)

    app.websocket("/rooms/{name}")(room)
    return app


def test_a_session_is_one_span_with_all_its_messages_below_and_no_duration(recorded: Recorded) -> None:
    client = TestClient(recorded.layer(chat(recorded)))
    with client.websocket_connect("/rooms/tea?token=canary") as session:
        for text in ("one", "two"):
            session.send_text(text)
            assert session.receive_text() == text

    *replies, span = recorded.spans
    assert [(reply.name, reply.parent_id) for reply in replies] == [("reply", span.span_id)] * 2
    assert (span.name, span.attributes["http.response.status_code"]) == ("GET /rooms/{name}", 101)
    assert (span.attributes["url.scheme"], span.attributes["url.query"]) == ("ws", "token=REDACTED")
    assert (span.attributes.get("error.type"), span.status.status_code) == (None, StatusCode.UNSET)
    assert (recorded.durations(), recorded.active()) == ({}, 0)


@pytest.mark.parametrize(
    ("path", "status", "error_type", "failed"),
    [
        ("/rooms/closed", 403, None, False),
        ("/rooms/broken", 101, "ValueError", True),
        ("/nowhere", 404, None, False),
    ],
)
def test_a_session_that_does_not_go_well_says_how(
    recorded: Recorded, path: str, status: int, error_type: str | None, failed: bool
) -> None:
    client = TestClient(recorded.layer(chat(recorded)))
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(path) as session:
        session.receive_text()

    span = recorded.span
    assert (span.attributes["http.response.status_code"], span.attributes.get("error.type")) == (status, error_type)
    assert span.status.status_code is (StatusCode.ERROR if failed else StatusCode.UNSET)


async def test_a_client_that_leaves_during_the_handshake_is_told_as_such(recorded: Recorded) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        assert (await receive())["type"] == "websocket.disconnect"

    messages: list[dict[str, Any]] = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1006}]
    await exchange(recorded.layer(app), type="websocket", scheme="ws", messages=messages)

    assert recorded.span.attributes["error.type"] == "client_disconnected"
    assert recorded.span.status.status_code is StatusCode.UNSET
