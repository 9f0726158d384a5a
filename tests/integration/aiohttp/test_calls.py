"""Calls as people make them, to a real server."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from fastapi_factory_utilities.core.plugins.aiohttp import (
    AioHttpClientClosedError,
    AioHttpClientContentError,
    AioHttpClientDeadlineError,
    AioHttpClientError,
    AioHttpClientLimitError,
    AioHttpClientStatusError,
    AioHttpClientTimeoutError,
    AioHttpClientUrlError,
    deadline,
)
from tests.integration.aiohttp.conftest import Client, Service


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
async def test_every_method_reaches_the_service_below_its_base_url(
    service: Service, client: Client, method: str
) -> None:
    async with client(url=f"{service.url}/api?key=k") as resource, resource.acquire_client_session() as session:
        response = await getattr(session, method)("/books/1", params={"page": "2"}, data="body")
        seen = await response.json()

    assert seen == {"method": method.upper(), "path": "/api/books/1?key=k&page=2", "body": "body"}


async def test_a_call_can_be_awaited_entered_or_made_a_task(client: Client) -> None:
    async with client() as resource, resource.acquire_client_session() as session:
        response = await session.get("a")
        assert (await response.json())["path"] == "/a"
        async with session.request("get", "b") as response:
            assert (await response.json())["path"] == "/b"
        async with asyncio.timeout(5):
            response = await asyncio.create_task(session.head("c"))
        assert response.status == 200
        session.get("never awaited").close()


async def test_a_session_has_headers_and_keeps_cookies_of_its_own(service: Service, client: Client) -> None:
    async def set_cookie(_: web.Request) -> web.StreamResponse:
        response = web.Response()
        response.set_cookie("id", "1")
        return response

    service.answer = set_cookie
    async with client(url=service.url.replace("127.0.0.1", "localhost")) as resource:
        for own in ({"headers": {"X-Me": "me"}}, {}, {}):
            async with resource.acquire_client_session(**own) as session:
                for _ in range(2):
                    await session.get("")

    assert [dict(request.cookies) for request in service.asked] == [{}, {"id": "1"}] * 3
    assert [request.headers.get("X-Me") for request in service.asked] == ["me"] * 2 + [None] * 4


async def test_idempotent_calls_are_repeated_and_others_are_not(service: Service, client: Client) -> None:
    timeout = {"attempt_seconds": 2, "total_seconds": 4}  # with one connection, an answer that is kept blocks the next
    async with client(limit=1, timeout=timeout) as resource, resource.acquire_client_session() as session:
        service.answers(503, 502, 200, body=bytes(3_000_000))  # more than arrives before it is asked for
        async with session.get("a") as response:
            assert response.status == 200
        service.answers(503, 200)
        async with session.post("b") as response:
            assert response.status == 503
        service.answers(503)
        async with session.put("c", json={}) as response:
            assert response.status == 503

    assert [request.path for request in service.asked] == ["/a", "/a", "/a", "/b", "/c", "/c", "/c"]


async def test_retry_after_is_waited_for(service: Service, client: Client) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        if len(service.asked) == 1:
            return web.Response(status=429, headers={"Retry-After": "1"})
        return web.Response()

    service.answer = answer
    async with client() as resource, resource.acquire_client_session() as session:
        began = time.monotonic()
        assert (await session.get("")).status == 200

    assert time.monotonic() - began >= 1


async def test_an_attempt_that_hangs_is_given_up_and_made_again(service: Service, client: Client) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        if len(service.asked) == 1:
            await asyncio.sleep(30)
        return web.Response()

    service.answer = answer
    timeout = {"attempt_seconds": 0.1, "total_seconds": 5}
    async with client(timeout=timeout) as resource, resource.acquire_client_session() as session:
        assert (await session.get("")).status == 200


async def test_no_call_takes_longer_than_the_total(service: Service, client: Client) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    service.answer = answer
    timeout = {"attempt_seconds": 0.2, "total_seconds": 0.3}
    retry = {"attempts": 9, "backoff_seconds": 0.001}
    async with client(timeout=timeout, retry=retry) as resource, resource.acquire_client_session() as session:
        began = time.monotonic()
        with pytest.raises(AioHttpClientTimeoutError, match="books: ") as told:
            await session.get("secret", params={"token": "secret"})
        took = time.monotonic() - began
        with pytest.raises(TimeoutError):
            await session.get("", timeout=aiohttp.ClientTimeout(total=0.01))

    assert 0.25 < took < 1
    assert "token" not in str(told.value)


async def test_our_callers_deadline_bounds_calls_and_is_handed_on(service: Service, client: Client) -> None:
    breaker = {"minimum_attempts": 1, "failure_ratio": 0.1}
    async with client(breaker=breaker) as resource, resource.acquire_client_session() as session:
        await session.get("")
        with deadline(0.5):
            await session.get("")

        async def answer(_: web.Request) -> web.StreamResponse:
            await asyncio.sleep(30)
            return web.Response()

        service.answer = answer
        with deadline(0.1):
            for _ in range(2):  # the first runs out of time, the second has none to begin with
                with pytest.raises(AioHttpClientDeadlineError):
                    await session.get("")
        assert resource.breaker is not None
        assert not resource.breaker.is_open, "a caller in a hurry is not the service's fault"

    told = [int(request.headers["X-Request-Timeout-Ms"]) for request in service.asked]
    assert told[0] == 10_000
    assert 0 < told[1] <= 500
    assert len(told) == 3


async def test_errors_say_which_service_and_nothing_secret(service: Service, client: Client) -> None:
    service.answers(404)
    at = f"{service.url}/api"
    async with client(at) as resource, resource.acquire_client_session(raise_for_status=True) as session:
        with pytest.raises(aiohttp.ClientResponseError) as status:
            await session.get("users/1?token=planted")
        with pytest.raises(AioHttpClientUrlError):
            await session.get("../../etc")
        plain = await session.get("", raise_for_status=False)
        with pytest.raises(AioHttpClientContentError) as content:
            await plain.json()

    assert isinstance(status.value, AioHttpClientStatusError)
    assert status.value.status == 404
    assert str(status.value) == "books: GET /api/users/1 was answered with 404 Not Found: see the service's own log"
    assert "planted" not in repr(status.value)
    assert isinstance(content.value, aiohttp.ContentTypeError)
    for error in (status.value, content.value):
        assert isinstance(error, AioHttpClientError)
        assert error.fields["dependency"] == "books"


async def test_no_more_calls_at_a_time_than_allowed(service: Service, client: Client) -> None:
    now = most = 0

    async def answer(_: web.Request) -> web.StreamResponse:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return web.json_response({})

    async def call(session: Any) -> object:
        async with session.get("") as response:
            return await response.json()

    service.answer = answer
    async with client(concurrency={"limit": 2, "queue": 4}) as resource, resource.acquire_client_session() as session:
        ends = await asyncio.gather(*(call(session) for _ in range(8)), return_exceptions=True)

    assert most == 2
    assert [type(end) for end in ends].count(AioHttpClientLimitError) == 2


async def test_stopping_lets_a_call_in_flight_finish(service: Service, client: Client) -> None:
    asked = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        asked.set()
        await asyncio.sleep(0.2)
        await response.write(b"whole")
        return response

    service.answer = answer

    async def read() -> bytes:
        async with resource.acquire_client_session() as session, session.get("") as response:
            return await response.read()

    async with client() as resource:
        call = asyncio.create_task(read())
        await asked.wait()

    assert call.done() or resource.closed
    assert await call == b"whole"
    with pytest.raises(AioHttpClientClosedError):
        async with resource.acquire_client_session():
            pass


async def test_stopping_does_not_wait_for_ever(service: Service, client: Client) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    service.answer = answer
    async with client(graceful_shutdown_timeout=0.1) as resource, resource.acquire_client_session() as session:
        once = asyncio.create_task(asyncio.wait_for(session.post(""), 20))
        repeated = asyncio.create_task(asyncio.wait_for(session.get(""), 20))
        while len(service.asked) < 2:
            await asyncio.sleep(0.01)

    with pytest.raises(aiohttp.ClientError):
        await once
    with pytest.raises(AioHttpClientClosedError, match="the application stopped meanwhile"):
        await repeated
