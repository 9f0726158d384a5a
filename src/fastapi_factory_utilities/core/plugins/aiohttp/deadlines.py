"""How long our own caller waits, and so how long it makes sense to ask others on its behalf."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["DEADLINE_HEADER", "TakesDeadlines", "current_deadline", "deadline"]

DEADLINE_HEADER: Final = "X-Request-Timeout-Ms"
"""How many milliseconds the caller will wait, as a whole number. Relative, so that clocks need not agree."""

_RAW_HEADER: Final = DEADLINE_HEADER.lower().encode()
# A day; more digits than that are no milliseconds that anybody waits.
_MOST_DIGITS: Final = 8

_deadline: ContextVar[float | None] = ContextVar("ffu_deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Let every outgoing call inside the block end within that time; an earlier deadline around it holds as well.

    ::

        with deadline(2.0):
            async with resource.acquire_client_session() as session: ...

    Args:
        seconds: From now on.
    """
    at = time.monotonic() + seconds
    around = _deadline.get()
    token = _deadline.set(at if around is None else min(at, around))
    try:
        yield
    finally:
        _deadline.reset(token)


def current_deadline() -> float | None:
    """Return until when our caller waits, on the clock of `time.monotonic`; `None` is not known."""
    return _deadline.get()


class TakesDeadlines:
    """An ASGI layer: what the header of a request says bounds the calls that are made while it is handled.

    Something that is no number of milliseconds is ignored: the worst that a caller can do is to be answered too early.

    Args:
        app: What handles requests.
    """

    __slots__ = ("_app",)

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http":
            for name, value in scope["headers"]:
                if name == _RAW_HEADER:
                    if len(value) <= _MOST_DIGITS and value.isdigit():
                        with deadline(int(value) / 1000):
                            await self._app(scope, receive, send)
                        return
                    break
        await self._app(scope, receive, send)
