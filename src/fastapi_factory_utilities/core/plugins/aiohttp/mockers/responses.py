"""Answers without a service."""

import asyncio
import json as json_module
from collections.abc import Mapping
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import Any, Self

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from aiohttp import HttpVersion, HttpVersion11, RequestInfo, StreamReader
from aiohttp.base_protocol import BaseProtocol
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from fastapi_factory_utilities.core.plugins.aiohttp.call_errors import AioHttpClientStatusError
from fastapi_factory_utilities.core.plugins.aiohttp.response import AioHttpClientResponse

__all__ = ["MockedAioHttpClientResponse", "build_mocked_aiohttp_response"]

_BUFFER_BYTES = 2**16


class MockedAioHttpClientResponse(AioHttpClientResponse):
    """A real response of aiohttp's, but for the connection it would have come over; made by the builder.

    Args:
        method: The method of the request.
        url: The address of the request.
        status: Its status.
        reason: The phrase beside it.
        headers: Its headers.
        body: Its body.
        cookies: The cookies that it sets.
        error_message: What `raise_for_status` says, whatever the status.
    """

    def __init__(  # what aiohttp's own does is about the connection
        self,
        *,
        method: str,
        url: URL,
        status: int,
        reason: str,
        headers: Mapping[str, str],
        body: bytes,
        cookies: Mapping[str, str],
        error_message: str | None,
    ) -> None:
        self.method = method
        self.version: HttpVersion | None = HttpVersion11
        self.status = status
        self.reason: str | None = reason
        self._url = self._real_url = url
        self._headers = CIMultiDictProxy(CIMultiDict(headers))
        self._raw_headers = tuple((name.encode(), value.encode()) for name, value in self._headers.items())
        self._request_info = RequestInfo(url, method, CIMultiDictProxy(CIMultiDict()), url)
        self._cache = {}
        self._loop = None  # type: ignore[assignment]  # aiohttp's own code knows that there may be none
        self._traces = []
        self._history = ()
        self._body = self._whole = body
        self.cookies = SimpleCookie(dict(cookies))
        self._given_cookies = dict(cookies)
        self._error_message = error_message

    def to(self, method: str, url: URL) -> Self:
        """Return the same answer, unread, to a request; needs a running event loop."""
        loop = asyncio.get_running_loop()
        answer = type(self)(
            method=method,
            url=url,
            status=self.status,
            reason=self.reason or "",
            headers=self._headers,
            body=self._whole,
            cookies=self._given_cookies,
            error_message=self._error_message,
        )
        answer.content = StreamReader(BaseProtocol(loop), _BUFFER_BYTES, loop=loop)
        if method != "HEAD" and self._whole:
            answer.content.feed_data(self._whole)
        answer.content.feed_eof()
        answer._loop = loop  # noqa: SLF001 - of this very class
        answer._body = None  # noqa: SLF001 - of this very class
        return answer

    def raise_for_status(self) -> None:
        """Raise if the status is 400 or more, or an error message was given.

        Raises:
            AioHttpClientStatusError: It is.
        """
        if self._error_message is not None:
            raise AioHttpClientStatusError(self._error_message, response=self, dependency=self.dependency)
        super().raise_for_status()


def build_mocked_aiohttp_response(
    status: int = 200,
    json: Any = None,  # noqa: ANN401 - whatever can be written as JSON
    text: str | None = None,
    headers: Mapping[str, str] | None = None,
    read: bytes | None = None,
    cookies: Mapping[str, str] | None = None,
    error_message: str | None = None,
    reason: str | None = None,
    url: str | URL = "http://mocked.test/",
    method: str = "GET",
) -> MockedAioHttpClientResponse:
    """Build an answer; its body is `read`, or `text`, or `json`, or else empty.

    Args:
        status: Its status.
        json: What `await response.json()` gives; also makes the answer `application/json`.
        text: What `await response.text()` gives; also makes the answer `text/plain`.
        headers: Its headers; a `Content-Type` here beats the one that follows from the body.
        read: What `await response.read()` gives.
        cookies: The cookies that it sets.
        error_message: Makes `raise_for_status()` raise with this text, whatever the status.
        reason: The phrase beside the status; by default the usual one.
        url: Where it comes from, until it answers a call.
        method: What it answers, until it answers a call.

    Raises:
        ValueError: More than one body is given.
    """
    given = [name for name, value in (("json", json), ("text", text), ("read", read)) if value is not None]
    if len(given) > 1:
        raise ValueError(f"a response has one body: give one of {', '.join(given)}")
    kind, body = "application/octet-stream", read or b""
    if json is not None:
        kind, body = "application/json", json_module.dumps(json).encode()
    elif text is not None:
        kind, body = "text/plain; charset=utf-8", text.encode()
    all_headers: CIMultiDict[str] = CIMultiDict({"Content-Type": kind, "Content-Length": str(len(body))})
    all_headers.update(headers or {})
    if reason is None:
        reason = HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else ""
    return MockedAioHttpClientResponse(
        method=method.upper(),
        url=URL(url),
        status=status,
        reason=reason,
        headers=all_headers,
        body=body,
        cookies=cookies or {},
        error_message=error_message,
    )
