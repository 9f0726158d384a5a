"""The Books service over HTTP: what a client may rely on."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import pytest
from starlette.testclient import TestClient

from fastapi_factory_utilities.example.app import AppBuilder
from fastapi_factory_utilities.testing.amqp import InMemoryBroker

BOOKS = "/api/v1/books"
NOBODY = "/api/v1/books/00000000-0000-4000-8000-000000000000"


@pytest.fixture
def client(mongo_uri: str, amqp_broker: InMemoryBroker) -> Iterator[TestClient]:
    database = urlsplit(mongo_uri).path.removeprefix("/")
    builder = AppBuilder().add_config(
        {
            "odm": {"uri": mongo_uri, "database": database},
            "aiopika": {"amqp_url": amqp_broker.url},
            "taskiq": {"in_memory": True},
        }
    )
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


def _found(client: TestClient, words: str, *titles: str) -> None:
    """Wait until a search finds just these: the index follows the books."""
    deadline = time.monotonic() + 10
    while True:
        answer = client.get(f"{BOOKS}/search", params={"words": words}).json()
        if [book["title"] for book in answer["books"]] == list(titles):
            return
        assert time.monotonic() < deadline, answer
        time.sleep(0.02)


def test_books_are_found_by_their_words_and_the_index_follows_them(client: TestClient) -> None:
    dune = add(client, "Dune", author="Frank Herbert")
    add(client, "Dune Messiah", author="Frank Herbert")
    add(client, "Emma", author="Jane Austen")
    _found(client, "herbert DUNE", "Dune", "Dune Messiah")
    _found(client, "emma", "Emma")
    _found(client, "emma herbert")
    client.put(f"{BOOKS}/{dune['id']}", json={"title": "Arrakis"})
    _found(client, "arrakis", "Arrakis")
    _found(client, "dune", "Dune Messiah")
    client.delete(f"{BOOKS}/{dune['id']}")
    _found(client, "arrakis")


async def _overhear(url: str) -> None:
    """Have a queue of our own that gets every message about books."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("overheard", durable=True)
        await queue.bind("books", "#")


def test_what_happened_is_told_and_what_did_not_is_not(client: TestClient, amqp_broker: InMemoryBroker) -> None:
    asyncio.run(_overhear(amqp_broker.url))
    book = add(client, "Dune")
    assert client.post(BOOKS, json={"title": "Dune"}).status_code == 409
    client.put(f"{BOOKS}/{book['id']}", json={"title": "Emma"})
    assert client.delete(NOBODY).status_code == 404
    client.delete(f"{BOOKS}/{book['id']}")
    deadline = time.monotonic() + 10
    while len(messages := amqp_broker.messages("overheard")) < 3:
        assert time.monotonic() < deadline, messages
        time.sleep(0.02)
    assert [message.routing_key for message in messages] == ["book.added", "book.replaced", "book.deleted"]
    assert {message.body for message in messages} == {b'{"book_id":"%s"}' % book["id"].encode()}


def test_health_names_the_database(client: TestClient) -> None:
    components = client.get("/api/v1/sys/health/components").json()["components"]
    assert components["database:MongoDB"]["health"] == "healthy"
    assert client.get("/api/v1/sys/startup").status_code == 200


def test_its_api_is_described_with_problems(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths[BOOKS]) == {"get", "post"}
    assert "application/problem+json" in paths[BOOKS]["post"]["responses"]["422"]["content"]
