"""One attempt of a call: sent, timed, told of."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from aiohttp import ClientResponse, ClientTimeout
from multidict import CIMultiDict
from yarl import URL

from fastapi_factory_utilities.core.plugins.aiohttp.told import Told
from fastapi_factory_utilities.core.plugins.aiohttp.translating import DRIVER_ERRORS, translated

__all__ = ["Attempts", "Request", "Send", "Wait"]


type Send = Callable[..., Awaitable[ClientResponse]]
"""What sends a request at last, `ClientSession.request` or a double: takes method, URL, and aiohttp's options."""


@dataclass(slots=True)
class Request:
    """What is asked.

    Attributes:
        send: What sends it.
        method: In capitals.
        url: Where.
        options: The rest, as aiohttp takes it, without headers and timeout.
        headers: As aiohttp takes them.
    """

    send: Send
    method: str
    url: URL
    options: Mapping[str, Any]
    headers: Any


@dataclass(frozen=True, slots=True)
class Wait:
    """How long an attempt may take.

    Attributes:
        timeout: For aiohttp.
        seconds: The whole of it; `None` is without end.
        header: What tells the service, where that differs from what every session says.
    """

    timeout: ClientTimeout
    seconds: float | None
    header: tuple[str, str] | None = None


class Attempts:
    """Makes the attempts of one service's calls.

    Args:
        dependency: The service's name.
        told: Where they are told of.
    """

    __slots__ = ("_active", "_dependency", "_told")

    def __init__(self, dependency: str, told: Told) -> None:
        self._dependency = dependency
        self._told = told
        self._active = told.telemetry.active

    async def make(self, request: Request, wait: Wait, resend: int) -> ClientResponse:
        """Send the request once.

        Args:
            request: What is asked.
            wait: How long it may take.
            resend: How often it was sent before.

        Raises:
            AioHttpClientCallError: It was not answered.
        """
        # Each attempt has headers of its own: the next service's parent is the span of this attempt.
        headers: Any = CIMultiDict(request.headers) if request.headers else {}
        if wait.header is not None and wait.header[0] not in headers:
            headers[wait.header[0]] = wait.header[1]
        if not self._active:
            return await self._send(request, headers, wait)
        told, method, url = self._told, request.method, request.url
        began = time.perf_counter()
        end: ClientResponse | Exception | None = None
        with told.span(method, url) as span:
            told.telemetry.inject(headers)
            recorded = span.is_recording()
            if recorded:
                told.begun(span, url, request.options.get("params"), resend)
            try:
                end = await self._send(request, headers, wait)
            except Exception as error:
                end = error
                raise
            finally:
                # Inside of the span, so that a measurement can name it. To be cancelled says nothing of the service.
                if end is not None:
                    told.measured(method, url, end, time.perf_counter() - began)
            if recorded:
                told.answered(span, end)
            return end

    async def _send(self, request: Request, headers: Any, wait: Wait) -> ClientResponse:  # noqa: ANN401 - see `make`
        try:
            return await request.send(
                request.method,
                request.url,
                headers=headers,
                timeout=wait.timeout,
                raise_for_status=False,  # the answer is looked at first
                **request.options,
            )
        except DRIVER_ERRORS as error:
            asked = f"{request.method} {request.url.path}"
            ours = translated(error, dependency=self._dependency, asked=asked, seconds=wait.seconds)
            raise ours from ours.__cause__
