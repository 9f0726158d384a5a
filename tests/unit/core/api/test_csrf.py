"""Pages of other sites change nothing."""

from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.types import Message, Receive, Scope, Send

from fastapi_factory_utilities.core.api import create_fastapi
from fastapi_factory_utilities.core.api.csrf import OwnPagesOnly, csrf_protection

OTHER = {"Sec-Fetch-Site": "cross-site", "Origin": "https://app.example"}
WITH_COOKIE = {**OTHER, "Cookie": "session=1"}


def app_with(max_body_bytes: int | None = 100, **options: Any) -> FastAPI:
    app = create_fastapi(
        title="Library", version="1", max_body_bytes=max_body_bytes, csrf_protection=csrf_protection(**options)
    )

    async def change() -> None:
        pass

    for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"):
        app.add_api_route("/", change, methods=[method], include_in_schema=False)
    return app


def status(app: FastAPI, headers: dict[str, str], method: str = "POST") -> int:
    return TestClient(app).request(method, "/", headers=headers).status_code


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "BREW"])
@pytest.mark.parametrize("limit", [None, 100])
def test_other_sites_change_nothing_by_any_method(method: str, limit: int | None) -> None:
    assert status(app_with(limit), WITH_COOKIE, method) == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_what_changes_nothing_may_come_from_anywhere(method: str) -> None:
    assert status(app_with(), WITH_COOKIE, method) == 200


@pytest.mark.parametrize("headers", [{}, {"Cookie": "a=1"}, {"Authorization": "Basic YTpi"}])
def test_programs_notice_nothing(headers: dict[str, str]) -> None:
    assert status(app_with(), headers) == 200


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "future-value"}, 403),
        ({"Sec-Fetch-Site": ""}, 403),
        ({"Origin": "https://testserver"}, 200),
        ({"Origin": "https://TESTSERVER"}, 200),
        ({"Origin": "https://testserver:8443"}, 403),
        ({"Origin": "https://testserver.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://testserver"}, 403),
    ],
)
def test_the_browser_s_word_counts(headers: dict[str, str], expected: int) -> None:
    assert status(app_with(), headers) == expected


@pytest.mark.parametrize(
    ("options", "headers", "expected"),
    [
        ({"trusted_origins": ["https://app.example"]}, WITH_COOKIE, 200),
        ({"trusted_origins": ["https://other.example"]}, WITH_COOKIE, 403),
        # Allowed by CORS without credentials: what the browser adds by itself does not count as allowed.
        ({"cors_origins": ["https://app.example"]}, OTHER, 200),
        ({"cors_origins": ["https://app.example"]}, {**OTHER, "Authorization": "Bearer x"}, 200),
        ({"cors_origins": ["https://app.example"]}, WITH_COOKIE, 403),
        ({"cors_origins": ["https://app.example"]}, {**OTHER, "Authorization": "Basic YTpi"}, 403),
        ({"cors_origins": ["*"]}, OTHER, 200),
        ({"cors_origins": ["*"]}, WITH_COOKIE, 403),
        ({"cors_origin_regex": r"https://\w+\.example"}, OTHER, 200),
        ({"cors_origin_regex": r"https://\w+\.example"}, WITH_COOKIE, 403),
        ({"cors_origin_regex": r"https://app"}, OTHER, 403),
        # With credentials.
        ({"cors_origins": ["https://app.example"], "cors_credentials": True}, WITH_COOKIE, 200),
        ({"cors_origins": ["https://other.example"], "cors_credentials": True}, OTHER, 403),
        ({"cors_origin_regex": r"https://\w+\.example", "cors_credentials": True}, WITH_COOKIE, 200),
    ],
)
def test_origins_may_be_trusted(options: dict[str, Any], headers: dict[str, str], expected: int) -> None:
    assert status(app_with(**options), headers) == expected


async def test_doubled_headers_are_never_ours() -> None:
    answers: list[Message] = []

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("it was let in")

    async def receive() -> Message:
        raise AssertionError("nothing has to be read")

    async def send(message: Message) -> None:
        answers.append(message)

    for headers in (
        [(b"sec-fetch-site", b"same-origin"), (b"sec-fetch-site", b"cross-site"), (b"origin", b"https://evil.example")],
        [(b"origin", b"https://a"), (b"origin", b"https://b"), (b"host", b"a")],
        [(b"origin", b"https://a"), (b"host", b"a"), (b"host", b"b")],
    ):
        scope = {"type": "http", "method": "POST", "headers": headers}
        await OwnPagesOnly(inside)(scope, receive, send)
    assert [answer["status"] for answer in answers if answer["type"] == "http.response.start"] == [403] * 3


def test_it_can_be_turned_off() -> None:
    assert csrf_protection(enabled=False) is None
    assert status(app_with(enabled=False), WITH_COOKIE) == 200


def test_a_websocket_of_another_site_is_refused_and_one_of_ours_is_not() -> None:
    app = app_with()

    @app.websocket("/live")
    async def live(websocket: WebSocket) -> None:
        await websocket.accept()

    client = TestClient(app)
    with client.websocket_connect("/live", headers={"Origin": "http://testserver"}):
        pass
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/live", headers=WITH_COOKIE):
        pass
    assert refused.value.status_code == 403
