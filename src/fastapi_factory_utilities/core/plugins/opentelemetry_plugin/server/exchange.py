"""One request and its answer."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from starlette.types import Message, Send

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.answers import CANCELLED, CLIENT_GONE
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.failures import type_name

__all__ = ["Exchange"]

_ANSWER_IN_ONE: Final = frozenset({"http.response.pathsend", "http.response.zerocopysend"})
_GONE: Final = frozenset({"ClientDisconnect", "ClientDisconnected"})  # Starlette's; uvicorn's, an OSError (ASGI 2.4)

type End = Callable[["Exchange", BaseException | None, str | None], None]


class Exchange:
    """Begins with the request, and ends with the last octet of its answer or when there will be none.

    Attributes:
        scope: Of the request.
        span: Of the request.
        active: The count of which it is one until it ends.
        began: When it began, by `time.perf_counter`.
        status: The status of the answer; 0 as long as none was begun.

    Args:
        end: Called once, when it ends, with what failed it and the type of the error.
        scope: See above.
        send: Of the request.
        span: See above.
        active: See above.
        began: See above.
    """

    __slots__ = ("_answered", "_end", "_send", "active", "began", "scope", "span", "status")

    def __init__(
        self,
        end: End,
        scope: MutableMapping[str, Any],
        send: Send,
        span: Any,  # noqa: ANN401 - recorded or not
        active: list[float],
        began: float,
    ) -> None:
        self._end = end
        self.scope: MutableMapping[str, Any] = scope
        self._send = send
        self.span: Any = span
        self.active: list[float] = active
        self.began: float = began
        self.status: int = 0
        self._answered = False
        active[0] += 1

    # Not a coroutine: whoever calls it awaits what the server gave.
    def send(self, message: Message) -> Awaitable[None]:
        """Send a message of the answer."""
        kind = message["type"]
        if kind == "http.response.body":
            if not self._answered and not message.get("more_body", False):
                return self._last(message)
        elif kind == "http.response.start":
            self.status = message["status"]
        elif kind in _ANSWER_IN_ONE:
            return self._last(message)
        return self._send(message)

    def close(self, failure: BaseException | None) -> None:
        """Leave it, answered or not.

        Args:
            failure: What the application raised.
        """
        if self._answered:
            return
        if failure is None or type(failure).__name__ in _GONE:
            # Neither answered nor failed: there was nobody left to answer.
            self._over(None, CLIENT_GONE)
        else:
            self._over(failure, type_name(failure) if isinstance(failure, Exception) else CANCELLED)

    async def _last(self, message: Message) -> None:
        await self._send(message)
        self._over(None, None)

    def _over(self, error: BaseException | None, error_type: str | None) -> None:
        self._answered = True
        self.active[0] -= 1
        self._end(self, error, error_type)
