"""Cross-origin requests."""

from fastapi import FastAPI
from starlette.testclient import TestClient

from fastapi_factory_utilities.core.api import add_cors

PREFLIGHT = {"Origin": "https://app.example", "Access-Control-Request-Method": "PUT"}


def test_nothing_is_added_until_an_origin_is_allowed(app: FastAPI) -> None:
    add_cors(app)

    assert app.user_middleware == []


def test_every_key_has_its_effect(app: FastAPI) -> None:
    add_cors(
        app,
        allow_origins=["https://app.example"],
        allow_methods=["PUT"],
        allow_headers=["X-Key"],
        allow_credentials=True,
        expose_headers=["X-Seen"],
        max_age=60,
    )
    client = TestClient(app)

    preflight = client.options("/", headers={**PREFLIGHT, "Access-Control-Request-Headers": "x-key"})
    answer = client.get("/", headers={"Origin": "https://app.example"})

    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-methods"] == "PUT"
    assert "X-Key" in preflight.headers["access-control-allow-headers"]
    assert preflight.headers["access-control-max-age"] == "60"
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-expose-headers"] == "X-Seen"
    assert client.options("/", headers={**PREFLIGHT, "Origin": "https://evil.example"}).status_code == 400


def test_origins_may_be_a_pattern(app: FastAPI) -> None:
    add_cors(app, allow_origin_regex=r"https://.*\.example")

    answer = TestClient(app).get("/", headers={"Origin": "https://a.example"})

    assert answer.headers["access-control-allow-origin"] == "https://a.example"


def test_a_browser_of_another_origin_may_read_an_error(app: FastAPI) -> None:
    add_cors(app, allow_origins=["*"])

    answer = TestClient(app).get("/nowhere", headers={"Origin": "https://a.example"})

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
