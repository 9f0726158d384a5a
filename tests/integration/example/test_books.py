"""The Books service over HTTP: what a client may rely on."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from fastapi_factory_utilities.example.app import AppBuilder

BOOKS = "/api/v1/books"
NOBODY = "/api/v1/books/00000000-0000-4000-8000-000000000000"


@pytest.fixture
def client(mongo_uri: str) -> Iterator[TestClient]:
    database = urlsplit(mongo_uri).path.removeprefix("/")
    builder = AppBuilder().add_config({"odm": {"uri": mongo_uri, "database": database}})
    with TestClient(builder.build()) as client:
        yield client


def add(client: TestClient, title: str, **more: Any) -> dict[str, Any]:
    answer = client.post(BOOKS, json={"title": title, **more})
    assert answer.status_code == 201
    book: dict[str, Any] = answer.json()
    return book


def test_an_empty_shelf_is_a_list_of_none(client: TestClient) -> None:
    assert client.get(BOOKS).json() == {"books": [], "size": 0}


def test_a_book_is_added_and_found_again(client: TestClient) -> None:
    answer = client.post(BOOKS, json={"title": "Dune", "author": "Frank Herbert", "published_on": "1965-08-01"})
    assert answer.status_code == 201
    book = answer.json()
    assert answer.headers["location"] == f"{BOOKS}/{book['id']}"
    assert client.get(f"{BOOKS}/{book['id']}").json() == book
    assert book["created_at"] == book["updated_at"]
    listed = client.get(BOOKS).json()
    assert listed == {"books": [book], "size": 1}


def test_books_are_listed_by_title_and_in_pages(client: TestClient) -> None:
    for title in ("c", "a", "b"):
        add(client, title)
    assert [book["title"] for book in client.get(BOOKS).json()["books"]] == ["a", "b", "c"]
    page = client.get(BOOKS, params={"skip": 1, "limit": 1}).json()
    assert [book["title"] for book in page["books"]] == ["b"]


def test_a_title_is_given_once(client: TestClient) -> None:
    book = add(client, "Dune")
    other = add(client, "Emma")
    for answer in (
        client.post(BOOKS, json={"title": "Dune"}),
        client.put(f"{BOOKS}/{other['id']}", json={"title": "Dune"}),
    ):
        assert answer.status_code == 409
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["title"] == "Title taken"
    assert client.put(f"{BOOKS}/{book['id']}", json={"title": "Dune"}).status_code == 200


def test_a_book_is_replaced(client: TestClient) -> None:
    book = add(client, "Dune", author="F. Herbert")
    changed = client.put(f"{BOOKS}/{book['id']}", json={"title": "Dune Messiah"}).json()
    assert (changed["title"], changed["author"], changed["id"]) == ("Dune Messiah", None, book["id"])
    assert changed["created_at"] == book["created_at"]
    assert changed["updated_at"] >= book["updated_at"]
    assert client.get(f"{BOOKS}/{book['id']}").json() == changed


def test_a_book_is_deleted_once(client: TestClient) -> None:
    book = add(client, "Dune")
    answer = client.delete(f"{BOOKS}/{book['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.delete(f"{BOOKS}/{book['id']}").status_code == 404
    assert client.get(BOOKS).json()["size"] == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_is_not_there_is_404(client: TestClient, method: str) -> None:
    answer = client.request(method, NOBODY, json={"title": "x"} if method == "PUT" else None)
    assert answer.status_code == 404
    assert answer.json()["title"] == "Book not found"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({}, "#/title"), ({"title": ""}, "#/title"), ({"title": "x", "published_on": "never"}, "#/published_on")],
)
def test_what_is_wrong_is_a_422_problem(client: TestClient, body: dict[str, str], pointer: str) -> None:
    answer = client.post(BOOKS, json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert pointer in str(answer.json())


def test_an_id_that_is_none_is_422(client: TestClient) -> None:
    assert client.get(f"{BOOKS}/none").status_code == 422


def test_health_names_the_database(client: TestClient) -> None:
    components = client.get("/api/v1/sys/health/components").json()["components"]
    assert components["database:MongoDB"]["health"] == "healthy"
    assert client.get("/api/v1/sys/startup").status_code == 200


def test_its_api_is_described_with_problems(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths[BOOKS]) == {"get", "post"}
    assert "application/problem+json" in paths[BOOKS]["post"]["responses"]["422"]["content"]
