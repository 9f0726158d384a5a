"""Whatever is sent to a service, it answers below 500 or hangs up, and lives."""

import json
from typing import Final

import pytest
from hypothesis import given, note

from tests.integration.fuzz.conftest import Attacked, Books, Doors
from tests.integration.fuzz.raw_http import ask
from tests.integration.fuzz.requests import garbled, multipart, requests_to, urlencoded
from tests.integration.fuzz.sizes import TOLERANT, fuzzing
from tests.integration.fuzz.websocket_frames import conversations

pytestmark = [*TOLERANT, pytest.mark.xdist_group("fuzz")]  # one of each service is enough

MULTIPART: Final = (b"multipart/form-data; boundary=x", multipart())
FORM: Final = (b"application/x-www-form-urlencoded", urlencoded)
# What OpenAPI does not tell of.
UNTOLD: Final = [
    ("GET", place)
    for place in (
        "/",
        "/docs",
        "/redoc",
        "/openapi.json",
        "/metrics",
        "/_dev",
        "/_dev/{file}",
        "/_dev/requests/{number}.json",
        "/_dev/requests.json",
        "/_dev/routes.json",
        "/_dev/configuration.json",
        "/_dev/health.json",
        "/api/v1/sys/{probe}",
        "/api/v1/sys/health/components",
        "/api/talk/{number}",
        "*",
        "http://[::1",
    )
]
DOORS: Final = [
    ("POST", "/api/thing"),
    ("POST", "/api/anything"),
    ("POST", "/api/form"),
    ("POST", "/api/files"),
    ("PUT", "/api/raw/{path}"),
    ("GET", "/api/parameters/{number}/{day}"),
]


def places_of(service: Attacked) -> list[tuple[str, str]]:
    """Every operation that a service tells of."""
    _, described = service.get("/openapi.json")
    return [(method.upper(), path) for path, methods in described["paths"].items() for method in methods]


def assert_no_fault(service: Attacked, *sent: bytes, finish: bool = False) -> None:
    answer = ask(service.address, *sent, finish=finish)
    note(f"{sent!r:.5000}\n{answer.content[:2000]!r}")
    assert all(status < 500 for status in answer.statuses)
    head, _, body = answer.content.partition(b"\r\n\r\n")
    if body and b"application/problem+json" in head:
        assert json.loads(body)["status"] == answer.statuses[0]


def test_no_request_to_the_example_makes_it_fail(books: Books) -> None:
    places = places_of(books)
    assert ("PUT", "/api/v1/books/{book_id}") in places

    @fuzzing(4)
    @given(requests_to([*places * 2, *UNTOLD]))
    def throw(sent: bytes) -> None:
        assert_no_fault(books, sent)

    throw()
    books.assert_unharmed()


def test_no_request_to_any_kind_of_endpoint_makes_it_fail(doors: Doors) -> None:
    @fuzzing(4)
    @given(requests_to([*DOORS * 3, *UNTOLD], MULTIPART, FORM))
    def throw(sent: bytes) -> None:
        assert_no_fault(doors, sent)

    throw()
    doors.assert_unharmed()


def test_nothing_that_is_hardly_http_ends_a_service(doors: Doors) -> None:
    @fuzzing(4)
    @given(garbled)
    def throw(sent: bytes) -> None:
        assert_no_fault(doors, sent, finish=True)

    throw()
    doors.assert_unharmed()


def test_nothing_that_is_said_to_a_websocket_ends_a_service(doors: Doors) -> None:
    @fuzzing(4)
    @given(conversations)
    def throw(sent: tuple[bytes, bytes]) -> None:
        assert_no_fault(doors, *sent, finish=True)

    throw()
    doors.assert_unharmed()
