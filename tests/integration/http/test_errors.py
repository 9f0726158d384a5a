"""Errors, as a real server and a real client see them."""

import logging
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI, HTTPException, WebSocket
from starlette.responses import StreamingResponse
from structlog.testing import capture_logs
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from fastapi_factory_utilities.core.api import create_fastapi, flatten_routes
from tests.integration.in_thread import serving


def build() -> FastAPI:
    app = create_fastapi(title="Library", version="1", max_body_bytes=1000)

    @app.get("/boom")
    async def boom() -> None:
        raise ValueError("pa55word")

    @app.get("/half")
    async def half() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"half"
            raise ValueError("pa55word")

        return StreamingResponse(chunks(), headers={"content-length": "8"})

    @app.post("/books")
    async def books(body: list[int]) -> list[int]:
        return body

    @app.websocket("/live")
    async def live(websocket: WebSocket, late: bool) -> None:
        if late:
            await websocket.accept()
        raise HTTPException(403, "Not yours.")

    flatten_routes(app)
    return app


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with serving(build()) as url:
        yield url


@pytest.fixture
def server_log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, "uvicorn")
    return caplog


def test_an_unhandled_exception_is_one_answer_and_one_log_line_and_the_server_adds_nothing(
    base_url: str, server_log: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as events, httpx.Client(base_url=base_url) as client:
        first = client.get("/boom")
        second = client.get("/boom")

    assert [response.status_code for response in (first, second)] == [500, 500]
    assert [event["trace_id"] for event in events] == [response.json()["trace_id"] for response in (first, second)]
    assert [record.getMessage() for record in server_log.records if record.name.startswith("uvicorn")] == []


def test_a_connection_outlives_an_unhandled_exception(base_url: str) -> None:
    with httpx.Client(base_url=base_url, limits=httpx.Limits(max_connections=1)) as client, capture_logs():
        streams = {client.get("/boom").extensions["network_stream"] for _ in range(3)}

    assert len(streams) == 1


def test_a_client_learns_that_a_response_is_incomplete(base_url: str, server_log: pytest.LogCaptureFixture) -> None:
    with capture_logs() as events, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{base_url}/half")

    assert [event["event"] for event in events] == ["unhandled exception"]
    assert not any(record.exc_info for record in server_log.records)


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large_is_refused_without_reading_all_of_it(base_url: str, announced: bool) -> None:
    content = b"[" + b"1," * 1000 + b"1]"

    response = httpx.post(
        f"{base_url}/books",
        content=content if announced else iter([content]),
        headers={"content-type": "application/json"},
    )

    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"


def test_a_websocket_is_refused_with_a_problem(base_url: str) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(f"ws{base_url[4:]}/live?late=false"):
        pass

    assert refused.value.response.status_code == 403
    assert refused.value.response.headers["content-type"] == "application/problem+json"
    assert b'"detail":"Not yours."' in refused.value.response.body


def test_an_open_websocket_is_closed_with_a_reason(base_url: str) -> None:
    with connect(f"ws{base_url[4:]}/live?late=true") as websocket, pytest.raises(ConnectionClosedError) as closed:
        websocket.recv()

    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "Not yours.")
