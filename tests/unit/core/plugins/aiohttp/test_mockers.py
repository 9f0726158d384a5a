"""Doubles behave as the real client does, from where the user stands."""

from typing import Any

import aiohttp
import pytest

from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientConnectionError, AioHttpClientResource
from fastapi_factory_utilities.core.plugins.aiohttp.mockers import (
    MockedAioHttpClientResponse,
    MockedRequest,
    build_mocked_aiohttp_resource,
    build_mocked_aiohttp_response,
    strict_aiohttp_resource,
)


async def title_of(books: AioHttpClientResource, key: str) -> Any:
    """Code as a service has it."""
    headers = {"X-Me": "me"}
    async with (
        books.acquire_client_session(headers=headers, raise_for_status=True) as session,
        session.get(f"/books/{key}", params={"fields": "title"}) as response,
    ):
        return (await response.json())["title"]


async def test_code_under_test_cannot_tell_a_double_from_a_service() -> None:
    books = build_mocked_aiohttp_resource(get=build_mocked_aiohttp_response(json={"title": "Dune"}), url="http://b/v1")

    assert [await title_of(books, "1"), await title_of(books, "2")] == ["Dune", "Dune"]

    asked = books.calls[1]
    assert (asked.method, asked.path, dict(asked.params)) == ("GET", "/v1/books/2", {"fields": "title"})
    assert asked.headers["x-me"] == "me"


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head", "options"])
async def test_each_method_has_an_answer_of_its_own(method: str) -> None:
    answers: dict[str, Any] = {method: build_mocked_aiohttp_response(202, text="mine")}
    mocked = build_mocked_aiohttp_resource(**answers)

    async with mocked.acquire_client_session() as session:
        response = await getattr(session, method)("x", headers={"A": "b"})
        other = await session.request("GET" if method != "get" else "PUT", "x")

    assert (response.status, response.reason) == (202, "Accepted")
    assert await response.text() == ("" if method == "head" else "mine")
    assert other.status == 200
    assert isinstance(response, aiohttp.ClientResponse)


async def test_an_answer_may_be_a_function_of_the_request() -> None:
    async def create(request: MockedRequest) -> MockedAioHttpClientResponse:
        return build_mocked_aiohttp_response(201, json={"got": request.json, "for": request.path})

    def fail(_: MockedRequest) -> MockedAioHttpClientResponse:
        raise aiohttp.ServerDisconnectedError

    mocked = build_mocked_aiohttp_resource(post=create, delete=fail)
    async with mocked.acquire_client_session() as session:
        async with session.post("/things", json=[1]) as response:
            assert await response.json() == {"got": [1], "for": "/things"}
        with pytest.raises(AioHttpClientConnectionError, match="mocked: the connection broke off during DELETE /x"):
            await session.delete("x")


async def test_a_response_has_all_that_was_given() -> None:
    response = build_mocked_aiohttp_response(
        418,
        read=b"\xfftea",
        headers={"content-type": "x/y", "X-A": "1"},
        cookies={"id": "7"},
        reason="Short",
        url="http://a/b?c=planted",
        method="put",
    )

    assert await response.read() == b"\xfftea"
    assert (response.status, response.reason, response.ok, response.method) == (418, "Short", False, "PUT")
    assert (response.content_type, response.headers["x-a"], response.cookies["id"].value) == ("x/y", "1", "7")
    assert str(response.url) == "http://a/b?c=planted"
    with pytest.raises(aiohttp.ClientResponseError, match="PUT /b was answered with 418 Short"):
        response.raise_for_status()
    assert "planted" not in repr(response)


async def test_an_error_message_makes_any_status_an_error() -> None:
    with pytest.raises(aiohttp.ClientResponseError, match="no such luck"):
        build_mocked_aiohttp_response(error_message="no such luck").raise_for_status()


async def test_a_body_is_gone_when_the_response_was_released_unread() -> None:
    mocked = build_mocked_aiohttp_resource(get=build_mocked_aiohttp_response(text="late"))
    async with mocked.acquire_client_session() as session:
        async with session.get("") as response:
            pass
        with pytest.raises(aiohttp.ClientConnectionError, match="released before it was read"):
            await response.text()


def test_a_response_has_one_body() -> None:
    with pytest.raises(ValueError, match="one of json, text"):
        build_mocked_aiohttp_response(json={}, text="")


async def test_strictly_what_is_expected_is_answered() -> None:
    with strict_aiohttp_resource() as strict:
        strict.expect("GET", "/books/1", build_mocked_aiohttp_response(json={"title": "a"}), params={"fields": "title"})
        strict.expect("GET", "/books/1", lambda _: build_mocked_aiohttp_response(json={"title": "b"}))

        assert [await title_of(strict.resource, "1"), await title_of(strict.resource, "1")] == ["a", "b"]


async def test_strictly_an_unexpected_call_fails_even_where_the_code_swallows_it() -> None:
    async def careless(books: AioHttpClientResource) -> None:
        try:
            await title_of(books, "2")
        except AssertionError as error:
            assert "expected was GET /books/1" in str(error)  # noqa: PT017 - it is swallowed on purpose

    context = strict_aiohttp_resource()
    strict = context.__enter__()
    strict.expect("GET", "/books/1")
    await careless(strict.resource)

    with pytest.raises(AssertionError, match=r"unexpected: GET /books/2.*expected, and not made: GET /books/1"):
        context.__exit__(None, None, None)
