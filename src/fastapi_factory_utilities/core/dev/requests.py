"""The layer outside of all others: it sees each request come and go, and changes nothing about it."""

from collections.abc import Awaitable, Iterable
from time import perf_counter
from typing import Final
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastapi_factory_utilities.core.api.request_ids import request_id_of
from fastapi_factory_utilities.core.api.trace_ids import trace_id_of
from fastapi_factory_utilities.core.dev.store import Store, Work
from fastapi_factory_utilities.core.logs import route_template
from fastapi_factory_utilities.core.logs.messages import cut
from fastapi_factory_utilities.core.redaction import redact

__all__ = ["RememberRequests"]

_TEXT_LIMIT: Final = 1_000
_NAMES: Final = 30  # of a query
_SERVER_ERROR: Final = 500
_INTERNAL_ERROR: Final = 1011  # RFC 6455, 7.4.1
_GONE: Final = frozenset({"ClientDisconnect", "ClientDisconnected"})  # Starlette's; uvicorn's, an OSError (ASGI 2.4)


class RememberRequests:
    """An ASGI application that remembers what another one was asked, and how it answered.

    Args:
        app: The application.
        store: Where to remember it.
        excluded_paths: Requests to paths that begin so are not remembered, such as probes.
    """

    def __init__(self, app: ASGIApp, store: Store, *, excluded_paths: Iterable[str] = ("/api/v1/sys/",)) -> None:
        self._app = app
        self._store = store
        self._excluded = tuple(excluded_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] not in ("http", "websocket") or self._is_excluded(scope):
            await self._app(scope, receive, send)
            return
        watched = _Watched(_begun(scope), self._store, receive, send)
        self._store.add(watched.work)
        started = perf_counter()
        try:
            await self._app(scope, watched.receive, watched.send)
        except Exception as error:
            watched.fail(error)
            raise
        finally:
            watched.end(scope, perf_counter() - started)

    def _is_excluded(self, scope: Scope) -> bool:
        root_path: str = scope.get("root_path", "")
        path: str = scope["path"]
        return (path.removeprefix(root_path) if root_path else path).startswith(self._excluded)


class _Watched:
    """One connection: hands on what passes, and notes what it says of the work."""

    def __init__(self, work: Work, store: Store, receive: Receive, send: Send) -> None:
        self.work = work
        self._store = store
        self._receive = receive
        self._send = send
        self._answered = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self.work.status = message.get("code", 1005)
        elif message["type"] == "http.disconnect" and not self._answered:
            self.work.disconnected = True
        return message

    def send(self, message: Message) -> Awaitable[None]:
        work, kind = self.work, message["type"]
        if kind == "http.response.start":
            work.status = message["status"]
            self._store.changed()
        elif kind == "http.response.body":
            work.octets += len(message.get("body", b""))
            self._answered = self._answered or not message.get("more_body", False)
        elif kind == "websocket.close" and not work.status:
            work.status = message.get("code", 1000)
        return self._send(message)

    def fail(self, error: Exception) -> None:
        work = self.work
        if type(error).__name__ in _GONE:
            work.disconnected = True
        else:
            work.failed = True
            work.status = work.status or (_SERVER_ERROR if work.kind == "request" else _INTERNAL_ERROR)

    def end(self, scope: Scope, seconds: float) -> None:
        work = self.work
        work.seconds = seconds
        work.scope = None
        work.route = route_template(scope)
        work.trace_id = trace_id_of(scope)
        work.request_id = request_id_of(scope)
        work.failed = work.failed or (work.kind == "request" and work.status >= _SERVER_ERROR)
        self._store.changed()


def _begun(scope: Scope) -> Work:
    client = scope.get("client")
    return Work(
        kind="request" if scope["type"] == "http" else "websocket",
        title=redact(cut(scope["path"], _TEXT_LIMIT)),
        method=scope.get("method", "")[:_NAMES],
        query=_names(scope.get("query_string", b"")),
        client=str(client[0]) if client else None,
        scope=scope,
    )


def _names(query: bytes) -> tuple[str, ...]:
    """The names in a query; their values are nobody's business."""
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_NAMES)
    except ValueError:  # too many
        return ("...",)
    return tuple(dict.fromkeys(redact(cut(name, 100)) for name, _ in pairs))
