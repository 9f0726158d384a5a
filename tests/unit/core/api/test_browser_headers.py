"""What answers tell browsers."""

import pytest
from fastapi import FastAPI
from starlette.responses import HTMLResponse
from starlette.testclient import TestClient
from starlette.types import Message

from fastapi_factory_utilities.core.api import create_fastapi
from fastapi_factory_utilities.core.api.browser_headers import security_headers

POLICY = "default-src 'none'; frame-ancestors 'none'"


@pytest.fixture
def app() -> FastAPI:
    app = create_fastapi(
        title="Library",
        version="1",
        max_body_bytes=10,
        allowed_hosts=["testserver"],
        security_headers=security_headers(headers={"Referrer-Policy": "no-referrer"}),
    )

    @app.get("/page")
    async def page() -> HTMLResponse:
        return HTMLResponse("", headers={"Content-Security-Policy": "default-src 'self'", "X-Request-ID": "mine"})

    @app.get("/boom")
    async def boom() -> None:
        raise ZeroDivisionError

    return app


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/boom", 500), ("GET", "/nowhere", 404), ("POST", "/nowhere", 413)]
)
def test_errors_have_them_too(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path, content=b"x" * 11 if method == "POST" else None)

    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert len(answer.headers["x-request-id"]) == 32


def test_one_that_is_refused_for_its_host_has_them_too(client: TestClient) -> None:
    answer = client.get("/page", headers={"Host": "evil.example"})

    assert (answer.status_code, answer.headers["content-security-policy"]) == (421, POLICY)


def test_what_an_answer_says_itself_stays_and_is_said_once(client: TestClient) -> None:
    headers = client.get("/page").headers

    assert headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert headers.get_list("x-request-id") == ["mine"]
    assert headers["x-content-type-options"] == "nosniff"


def test_https_is_asked_for_over_https_alone(app: FastAPI) -> None:
    over_http = TestClient(app).get("/page").headers
    over_https = TestClient(app, base_url="https://testserver").get("/page").headers

    assert "strict-transport-security" not in over_http
    assert over_https["strict-transport-security"] == "max-age=31536000"


def test_each_can_be_left_out(app: FastAPI) -> None:
    assert security_headers(enabled=False) is None
    complete = security_headers(content_security_policy=None, strict_transport_security=None)
    assert complete is not None
    start: Message = {"type": "http.response.start", "status": 200, "headers": []}

    headers = dict(complete(start, {"type": "http", "scheme": "https", "headers": []})["headers"])

    assert set(headers) == {b"x-content-type-options", b"x-request-id"}
    assert start["headers"] == []


def test_the_redirect_page_of_the_docs_may_run_its_script_and_no_other(app: FastAPI) -> None:
    policy = TestClient(app).get("/docs/oauth2-redirect").headers["content-security-policy"]

    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
