"""The server's side of a connection, with limits that uvicorn has not: the size of a request's head, and patience.

A head is kept in memory until it is complete, so it has to be limited while it arrives. Nothing here costs a request
more than two calls: the exact size is only found out of a head that may be too large.
"""

from typing import Any, ClassVar, Final

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from fastapi_factory_utilities.core.api.problems import MEDIA_TYPE, Problem, problem_response, status_title
from fastapi_factory_utilities.core.api.trace_ids import new_trace_id, trace_id_of
from fastapi_factory_utilities.core.app.config import ServerConfig
from fastapi_factory_utilities.core.logs import get_logger

__all__ = ["LimitedProtocol", "limited_protocol"]

_log = get_logger(__name__)

_HEADERS: Final = {"Connection": "close", "X-Content-Type-Options": "nosniff"}
_SEPARATORS: Final = len(b": \r\n")


def limited_protocol(server: ServerConfig) -> type["LimitedProtocol"]:
    """Return the protocol with the limits of a configuration; uvicorn makes one for each connection."""

    class ConfiguredProtocol(LimitedProtocol):
        max_header_bytes = server.max_header_bytes
        max_headers = server.max_headers

    return ConfiguredProtocol


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol on httptools, less what a stranger can make it keep.

    Attributes:
        max_header_bytes: The most that the head of a request may have; more is answered 431 (RFC 6585, 5).
        max_headers: The most headers.
    """

    max_header_bytes: ClassVar[int] = 32 * 1024
    max_headers: ClassVar[int] = 100

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on as they come
        super().__init__(*args, **kwargs)
        self.parts: int = 0
        self._read_bytes: int = 0
        # The head that needs more than one read: its scope, what was read of it so far with what came before it in the
        # same read, and how much of that was the first read.
        self._head: object = None
        self._head_bytes: int = 0
        self._first_bytes: int = 0

    def data_received(self, data: bytes) -> None:
        """Read on; give up on a head that is too large already and not complete yet."""
        self._read_bytes = len(data)
        super().data_received(data)
        cycle = self._cycle_or_none()
        if cycle is None or cycle.scope is not self.scope:
            self._wait_for_head(len(data))

    def on_headers_complete(self) -> None:
        """Serve the request, or refuse it for its head."""
        if len(self.headers) > self.max_headers or (
            # More than it can have; only then it is worth to look how much it has.
            self._read_bytes + self._head_bytes > self.max_header_bytes
            and self._size() > self.max_header_bytes
        ):
            self.app: ASGIApp = _refusing(self._too_large())
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self.parts += 1
        super().on_body(body)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to the protocol of WebSockets, unless the head was refused."""
        if self.app is self.config.loaded_app:
            super().handle_websocket_upgrade()
        else:
            self._give_up(self._too_large())

    def awaited(self) -> object | None:
        """What the client has to send now: the same thing until it has; `None` if it is not its turn.

        The head of a request is one thing, however it arrives. Of a body it is each next part.
        """
        scope, cycle = self._scope_or_none(), self._cycle_or_none()
        if cycle is None or cycle.scope is not scope:
            return self if scope is None else scope  # None: it has connected, and said nothing
        is_our_turn = self.flow.read_paused or (cycle.waiting_for_100_continue and not cycle.response_complete)
        return (id(cycle), self.parts) if cycle.more_body and not is_our_turn else None

    def give_up_waiting(self) -> None:
        """Close a connection whose client does not send what it has to, with a 408 if it can still be told."""
        self._log_refusal("it did not arrive in time")
        self._give_up(Problem(408, detail="The request did not arrive in time.", headers=_HEADERS))

    def _wait_for_head(self, read_bytes: int) -> None:
        """Count what was read of a head that is not complete."""
        if self.scope is not self._head:
            self._head, self._head_bytes, self._first_bytes = self.scope, read_bytes, read_bytes
            return
        self._head_bytes += read_bytes
        is_ours = self in self.connections and not self.transport.is_closing()  # not a WebSocket's, not given up
        if is_ours and self._head_bytes - self._first_bytes > self.max_header_bytes:
            self._give_up(self._too_large())

    def _cycle_or_none(self) -> RequestResponseCycle | None:
        """The last request whose head is complete; uvicorn has none in the beginning, and does not say so."""
        return self.cycle

    def _scope_or_none(self) -> object | None:
        """The request that arrives or has arrived; likewise."""
        return self.scope

    def _size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + _SEPARATORS for name, value in self.headers)

    def _log_refusal(self, reason: str) -> None:
        # Quietly: strangers decide how often.
        _log.debug("request refused", reason=reason, client=self.client[0] if self.client else None)

    def _too_large(self) -> Problem:
        limits = f"{self.max_header_bytes} bytes and {self.max_headers} headers"
        self._log_refusal("its head is too large")
        return Problem(431, detail=f"The head of a request may have at most {limits}.", headers=_HEADERS)

    def _give_up(self, problem: Problem) -> None:
        cycle = self._cycle_or_none()
        if cycle is not None and not cycle.response_complete:
            may_tell = not cycle.response_started and not self.pipeline
            cycle.disconnected = True
            cycle.message_event.set()
        else:
            may_tell = self._scope_or_none() is not None
        if may_tell:
            body = problem.to_json(new_trace_id())
            head = f"HTTP/1.1 {problem.status} {status_title(problem.status)}\r\nContent-Type: {MEDIA_TYPE}\r\n"
            head += f"Content-Length: {len(body)}\r\n"
            head += "".join(f"{name}: {value}\r\n" for name, value in _HEADERS.items()) + "\r\n"
            self.transport.write(head.encode("ascii") + body)
        self.transport.close()


def _refusing(problem: Problem) -> ASGIApp:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await problem_response(problem, trace_id_of(scope))(scope, receive, send)

    return refuse
