"""Bodies that are too large."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from fastapi_factory_utilities.core.api import create_fastapi, flatten_routes


@pytest.fixture
def app() -> FastAPI:
    app = create_fastapi(title="Library", version="1", max_body_bytes=10)

    @app.post("/json")
    async def from_json(body: list[int]) -> list[int]:
        return body

    @app.post("/raw")
    @app.get("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    flatten_routes(app)
    return app


def in_chunks() -> Iterator[bytes]:
    yield b"[1,2,"
    yield b"3,4,5]"


@pytest.mark.parametrize("path", ["/json", "/raw"])
@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large_is_a_413(client: TestClient, path: str, announced: bool) -> None:
    content = b"".join(in_chunks()) if announced else in_chunks()

    response = client.post(path, content=content, headers={"content-type": "application/json"})

    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["connection"] == "close"
    assert response.json()["detail"] == "The body of a request may have at most 10 bytes."


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_where_none_is_expected_is_no_larger(client: TestClient, announced: bool) -> None:
    content = b"".join(in_chunks()) if announced else in_chunks()

    assert client.request("GET", "/raw", content=content).status_code == 413


def test_an_announced_size_is_enough_to_refuse_without_asking_the_endpoint(app: FastAPI, client: TestClient) -> None:
    asked: list[str] = []

    @app.post("/careless")
    async def careless() -> None:
        asked.append("careless")

    response = client.post("/careless", content=b"x" * 11)

    assert response.status_code == 413
    assert asked == []


def test_a_body_of_exactly_the_limit_is_served(client: TestClient) -> None:
    assert client.post("/raw", content=b"x" * 10).json() == 10


def test_a_senseless_length_is_not_believed(client: TestClient) -> None:
    assert client.post("/raw", content=iter([b"x"]), headers={"content-length": "9" * 30}).json() == 1


def test_without_a_limit_any_size_is_served() -> None:
    app = create_fastapi(title="Library", version="1")

    @app.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    assert TestClient(app).post("/raw", content=b"x" * 5_000_000).json() == 5_000_000


@pytest.mark.parametrize("announced", [True, False])
def test_fastapi_s_own_limit_answers_as_a_problem_too(announced: bool) -> None:
    app = create_fastapi(title="Library", version="1")
    if not hasattr(app, "max_body_size"):
        pytest.skip("this version of FastAPI has no limit of its own")

    @app.post("/small", max_body_size=5)
    async def small(body: list[int]) -> list[int]:
        return body

    flatten_routes(app)
    content = b"".join(in_chunks()) if announced else in_chunks()
    client = TestClient(app)

    response = client.post("/small", content=content, headers={"content-type": "application/json"})

    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["title"] == "Content Too Large"
    assert client.post("/small", json=[1]).json() == [1]
