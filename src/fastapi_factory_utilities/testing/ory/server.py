"""A fake of a server with a public and an admin API: its listeners, what it was asked, and its faults."""

import asyncio
import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from fastapi_factory_utilities.testing.ory.refusals import RefusalError, error_body
from fastapi_factory_utilities.testing.ory.requests import OryRequest
from fastapi_factory_utilities.testing.ory.script import FOREVER_SECONDS, Order, Script
from fastapi_factory_utilities.testing.ports import bound_socket
from fastapi_factory_utilities.testing.threaded import ThreadedServer

__all__ = ["OryServer"]

_GARBAGE: Final = b"<html>\xff\xfe this is no JSON \x00</html>"
_CLOSING_SECONDS: Final = 0.01


class _Listening:
    """Every door of a fake, open."""

    def __init__(self) -> None:
        self._runners: list[web.AppRunner] = []
        self.ports: dict[str, int] = {}

    async def open(self, door: str, app: web.Application) -> None:
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_CLOSING_SECONDS)
        self._runners.append(runner)
        await runner.setup()
        listener = bound_socket("127.0.0.1", 0)
        self.ports[door] = listener.getsockname()[1]
        await web.SockSite(runner, listener).start()

    async def close(self) -> None:
        for runner in self._runners:
            await runner.cleanup()


class OryServer(ThreadedServer[_Listening]):
    """What the fakes have in common; each says its `routes`.

    It runs in a thread with an event loop of its own, so that synchronous tests, asynchronous ones and other processes
    all use it the same way. Orders (`answer`, `slow`, `hang`, `garbage`) are in force when the method returns, and last
    until `heal()` or for as many requests as they say. For lines that break, put a `FaultProxy` in front of an address.
    """

    def __init__(self) -> None:
        super().__init__()
        self._script = Script()
        self._requests: list[OryRequest] = []

    @abstractmethod
    def routes(self) -> Mapping[str, Sequence[web.RouteDef]]:
        """Return what each door serves: `{"public": [...], "admin": [...]}`."""

    # --- where it is ---

    @property
    def public_url(self) -> str:
        """Where the public API is."""
        return f"http://127.0.0.1:{self._running.ports['public']}"

    @property
    def admin_url(self) -> str:
        """Where the admin API is."""
        return f"http://127.0.0.1:{self._running.ports['admin']}"

    # --- what it answers ---

    def answer(
        self,
        status: int,
        body: Any = None,  # noqa: ANN401 - whatever JSON can say
        *,
        headers: Mapping[str, str] | None = None,
        path: str = "/",
        times: int | None = None,
    ) -> None:
        """Answer with this instead of the truth, and do nothing of what is asked.

        Args:
            status: The status.
            body: The body: bytes as they are, anything else as JSON; by default Ory's error of that status.
            headers: More headers.
            path: Which requests it is about: those whose path begins like this.
            times: How many of them; by default all.
        """
        self._script.set(Order(status, body, headers or {}, path=path), times)

    def garbage(self, *, path: str = "/", times: int | None = None) -> None:
        """Answer with what is no JSON, but says that it is."""
        self._script.set(Order(200, _GARBAGE, path=path), times)

    def slow(self, seconds: float, *, path: str = "/", times: int | None = None) -> None:
        """Answer with the truth, but that much later."""
        self._script.set(Order(after_seconds=seconds, path=path), times)

    def hang(self, *, path: str = "/", times: int | None = None) -> None:
        """Accept requests and never answer."""
        self.slow(FOREVER_SECONDS, path=path, times=times)

    def heal(self) -> None:
        """Answer the next requests with the truth."""
        self._script.set(None)

    # --- what it was asked ---

    @property
    def requests(self) -> list[OryRequest]:
        """The requests so far that were answered or given up."""
        return list(self._requests)

    def forget_requests(self) -> None:
        """Begin `requests` anew."""
        self._requests.clear()

    # --- how it works ---

    async def _open(self) -> _Listening:
        listening = _Listening()
        try:
            for door, routes in self.routes().items():
                app = web.Application(middlewares=[self._middleware(door)])
                app.add_routes(routes)
                await listening.open(door, app)
        except BaseException:
            await listening.close()
            raise
        return listening

    def _middleware(self, door: str) -> Middleware:
        @web.middleware
        async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
            body = await request.read()
            status = 0
            try:
                response = await self._answer(request, handler)
                status = response.status
            finally:
                headers = {name.lower(): value for name, value in request.headers.items()}
                query = tuple(request.query.items())
                self._requests.append(OryRequest(door, request.method, request.path, query, headers, body, status))
            return response

        return note

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        order = self._script.next(request.path)
        if order.after_seconds:
            await asyncio.sleep(order.after_seconds)
        if order.status is not None:
            body = error_body(order.status) if order.body is None else order.body
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            response = web.Response(status=order.status, body=content, content_type="application/json")
            response.headers.update(order.headers)
            return response
        try:
            return await handler(request)
        except RefusalError as refusal:
            return web.json_response(refusal.body, status=refusal.status)
        except web.HTTPException as refusal:  # of its router: there is no such path, or not with this method
            return web.json_response(error_body(refusal.status), status=refusal.status)
