"""A server in a thread with an event loop of its own, which synchronous and asynchronous tests hold in the same way."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Protocol, Self

__all__ = ["Closable", "ThreadedServer"]

# Every order is a matter of milliseconds; this only bounds a wait that would be a bug of ours.
_ORDER_SECONDS = 10.0


class Closable(Protocol):
    """What runs in the thread."""

    async def close(self) -> None:
        """Let go of everything."""
        ...


class ThreadedServer[RunningT: Closable](ABC):
    """Starts a thread, opens something in its event loop, and hands orders to it; safe from any thread."""

    thread_name: str = "threaded-server"

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._opened: RunningT | None = None

    @abstractmethod
    async def _open(self) -> RunningT:
        """Begin to listen, inside of the thread's event loop."""

    def start(self) -> Self:
        """Listen. It can be started again after it was closed; with port 0 its port is then another.

        Raises:
            RuntimeError: When it runs already.
            OSError: When its port is taken.
        """
        if self._thread is not None:
            raise RuntimeError(f"this {type(self).__name__} is running already: start() or `with` it once")
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=_run, args=(self._loop,), name=self.thread_name, daemon=True)
        self._thread.start()
        try:
            self._opened = self._order(self._open())
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Close every connection and the listener, and end the thread. Doing it twice does nothing."""
        thread, loop, opened = self._thread, self._loop, self._opened
        if thread is None or loop is None:
            return
        if opened is not None:
            self._order(opened.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_ORDER_SECONDS)
        self._thread = self._loop = self._opened = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _running(self) -> RunningT:
        if self._opened is None:
            raise self._not_running()
        return self._opened

    def _order[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the thread's event loop, and return what it returns."""
        if self._loop is None:
            work.close()
            raise self._not_running()
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_ORDER_SECONDS)

    def _not_running(self) -> RuntimeError:
        noun = self.thread_name.rpartition("-")[2]
        return RuntimeError(f"this {type(self).__name__} is not running: use it inside `with {noun}:`")


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
