"""An application running inside a test, in the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from fastapi_factory_utilities.core.plugins import MissingExtraError

if TYPE_CHECKING:
    import httpx

__all__ = ["lifespan", "running_app"]


class ASGIApplication(Protocol):
    """Whatever speaks ASGI: an application of this library, or a bare FastAPI."""

    async def __call__(self, scope: Any, receive: Any, send: Any, /) -> None:  # noqa: ANN401 - as ASGI has it
        """Serve one connection, or the lifespan."""


@asynccontextmanager
async def running_app(app: ASGIApplication, *, base_url: str = "http://test") -> AsyncIterator["httpx.AsyncClient"]:
    """Run an application as a server would, without a socket, and give a client that calls it.

    The application has started inside the block and has stopped after it. The client sees what callers over the
    network would see: an error that nobody handled is an answer with status 500.

    Args:
        app: The application.
        base_url: What relative addresses are relative to.

    Raises:
        MissingExtraError: httpx is not installed.
        Exception: Whatever the application's start or stop raises.
    """
    try:
        import httpx  # noqa: PLC0415 - optional: only tests need it
    except ImportError:
        raise MissingExtraError("httpx is not installed: run `pip install httpx`", modules=("httpx",)) from None
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with lifespan(app), httpx.AsyncClient(transport=transport, base_url=base_url) as client:
        yield client


@asynccontextmanager
async def lifespan(app: ASGIApplication) -> AsyncIterator[None]:
    """Start an application, and stop it after the block, through the ASGI lifespan protocol.

    Raises:
        Exception: Whatever the application's start or stop raises.
    """
    orders: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    answers: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    life = asyncio.create_task(_live(app, scope, orders, answers), name="application lifespan")
    try:
        await _do("startup", life, orders, answers)
        yield
        await _do("shutdown", life, orders, answers)
    finally:
        life.cancel()
        await asyncio.wait([life])
    if not life.cancelled():
        life.result()


async def _live(
    app: ASGIApplication,
    scope: dict[str, Any],
    orders: "asyncio.Queue[dict[str, str]]",
    answers: "asyncio.Queue[dict[str, str]]",
) -> None:
    await app(scope, orders.get, answers.put)


async def _do(
    phase: str,
    life: "asyncio.Task[None]",
    orders: "asyncio.Queue[dict[str, str]]",
    answers: "asyncio.Queue[dict[str, str]]",
) -> None:
    """Give an order, and wait for its answer or for the end of the application."""
    orders.put_nowait({"type": f"lifespan.{phase}"})
    answer = asyncio.create_task(answers.get())
    try:
        await asyncio.wait([answer, life], return_when=asyncio.FIRST_COMPLETED)
        if answer.done() and answer.result()["type"] == f"lifespan.{phase}.complete":
            return
        await life  # raises what went wrong; what it does not raise is only told
        raise RuntimeError(f"the application's {phase} failed")
    finally:
        answer.cancel()
