"""A resource that answers by itself."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from aiohttp import ClientResponse
from multidict import CIMultiDict
from yarl import URL

# As a module: the model is the application's, and found when it is asked for.
from fastapi_factory_utilities.core.plugins import aiohttp as clients
from fastapi_factory_utilities.core.plugins.aiohttp.mockers.responses import (
    MockedAioHttpClientResponse,
    build_mocked_aiohttp_response,
)
from fastapi_factory_utilities.core.plugins.aiohttp.resource import AioHttpClientResource
from fastapi_factory_utilities.core.plugins.aiohttp.session import AioHttpClientSession

__all__ = ["Answer", "MockedAioHttpClientResource", "MockedRequest", "build_mocked_aiohttp_resource"]


@dataclass(frozen=True, slots=True)
class MockedRequest:
    """What was asked.

    Attributes:
        method: In capitals.
        url: The whole address, query included.
        params: The query.
        headers: The session's and the call's.
        json: What is to be sent as JSON.
        data: Any other body.
        options: Whatever else was given.
    """

    method: str
    url: URL
    params: Mapping[str, str]
    headers: Mapping[str, str]
    json: Any = None
    data: Any = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path of the address."""
        return self.url.path


type Answer = (
    MockedAioHttpClientResponse
    | Callable[[MockedRequest], MockedAioHttpClientResponse | Awaitable[MockedAioHttpClientResponse]]
)
"""A response, or a function of the request that returns one, or raises; async if it likes."""


class MockedAioHttpClientResource(AioHttpClientResource):
    """A resource whose sessions end in a function instead of a network.

    Args:
        answer: What answers every request.
        key: The service's name.
        url: Its base URL.

    Attributes:
        calls: The requests so far.
    """

    def __init__(self, answer: Answer, *, key: str = "mocked", url: str = "http://mocked.test") -> None:
        config = clients.HttpServiceDependencyConfig.model_validate(
            {"url": url, "retry": {"attempts": 1}, "breaker": {"enabled": False}, "deadline_header": None}
        )
        super().__init__(key, config)
        self._answer = answer
        self.calls: list[MockedRequest] = []

    @property
    def closed(self) -> bool:
        """Never: there is nothing to close."""
        return False

    def check_open(self) -> None:
        """Find it open."""

    def acquire_client_session(
        self,
        **kwargs: Any,  # noqa: ANN401 - aiohttp's
    ) -> AbstractAsyncContextManager[AioHttpClientSession]:
        """Return a session, as the real one does."""
        return self._session(**kwargs)

    @asynccontextmanager
    async def _session(
        self, *, headers: Mapping[str, str] | None = None, **kwargs: Any  # noqa: ANN401 - see above
    ) -> AsyncIterator[AioHttpClientSession]:
        ours = {name: kwargs[name] for name in ("timeout", "raise_for_status") if name in kwargs}

        async def send(method: str, url: URL, **options: Any) -> ClientResponse:  # noqa: ANN401 - see above
            return await self._take(method, url, dict(headers or {}), options)

        yield AioHttpClientSession(self, send, **ours)

    async def _take(self, method: str, url: URL, headers: Mapping[str, str], options: dict[str, Any]) -> ClientResponse:
        for not_theirs in ("timeout", "raise_for_status"):
            options.pop(not_theirs, None)
        if params := options.pop("params", None):
            url = url.extend_query(params)
        all_headers: CIMultiDict[str] = CIMultiDict(headers)
        all_headers.update(options.pop("headers", None) or {})
        request = MockedRequest(
            method,
            url,
            params=url.query,
            headers=all_headers,
            json=options.pop("json", None),
            data=options.pop("data", None),
            options=options,
        )
        self.calls.append(request)
        answer = self._answer
        if not isinstance(answer, MockedAioHttpClientResponse):
            made = answer(request)
            answer = await made if isawaitable(made) else made
        return answer.to(method, url)


def build_mocked_aiohttp_resource(
    *,
    get: Answer | None = None,
    post: Answer | None = None,
    put: Answer | None = None,
    patch: Answer | None = None,
    delete: Answer | None = None,
    head: Answer | None = None,
    options: Answer | None = None,
    key: str = "mocked",
    url: str = "http://mocked.test",
) -> MockedAioHttpClientResource:
    """Build a resource that answers by itself; its attribute `calls` has what it was asked.

    What no answer is given for is answered with an empty 200; use `strict_aiohttp_resource` where that hides mistakes.

    Args:
        get: Answers GET: a response, or a function of the request.
        post: Answers POST.
        put: Answers PUT.
        patch: Answers PATCH.
        delete: Answers DELETE.
        head: Answers HEAD.
        options: Answers OPTIONS.
        key: The service's name, as in `dependencies.http`.
        url: Its base URL.
    """
    answers = {"GET": get, "POST": post, "PUT": put, "PATCH": patch, "DELETE": delete, "HEAD": head, "OPTIONS": options}

    def answer(
        request: MockedRequest,
    ) -> MockedAioHttpClientResponse | Awaitable[MockedAioHttpClientResponse]:
        given = answers.get(request.method)
        if given is None:
            return build_mocked_aiohttp_response()
        return given if isinstance(given, MockedAioHttpClientResponse) else given(request)

    return MockedAioHttpClientResource(answer, key=key, url=url)
