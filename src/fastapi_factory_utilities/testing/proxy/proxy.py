"""The proxy as a test holds it: synchronous, safe from any thread and any event loop."""

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import replace
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from fastapi_factory_utilities.testing.proxy.faults import Cut, Direction
from fastapi_factory_utilities.testing.proxy.relay import Relay

__all__ = ["FaultProxy"]

# Every order to the relay is a matter of microseconds; this only bounds a wait that would be a bug of ours.
_ORDER_SECONDS = 10.0


class FaultProxy:
    """A TCP proxy in front of a backend, which breaks the line in the ways lines break.

    It runs in a thread with an event loop of its own, so synchronous tests, asynchronous tests and servers in other
    processes all use the same methods, which return when the fault is in force. Faults add up, concern connections
    that exist as well as those to come, and last until `heal()`. The port stays the same all the time, and stays
    reserved while connections are refused.

        with FaultProxy.for_uri("mongodb://127.0.0.1:27017/books") as proxy:
            client = connect(proxy.uri)
            proxy.freeze()

    Attributes:
        target_uri: The backend's own URI.

    Args:
        target_host: The host of the backend.
        target_port: Its port.
        listen_host: Where the proxy listens.
        listen_port: Its port; 0 takes a free one.
    """

    def __init__(
        self, target_host: str, target_port: int, *, listen_host: str = "127.0.0.1", listen_port: int = 0
    ) -> None:
        self._target = (target_host, target_port)
        self.target_uri: str = f"tcp://{_host_and_port(target_host, target_port)}"
        self._listen_at = (listen_host, listen_port)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._running: Relay | None = None

    @classmethod
    def for_uri(cls, uri: str, *, default_port: int | None = None) -> Self:
        """Make a proxy for the backend that a URI names; `proxy.uri` is then that URI through the proxy.

        Args:
            uri: A URI with one host, such as `mongodb://127.0.0.1:27017/books?directConnection=true`.
            default_port: The port of a URI that names none.

        Raises:
            ValueError: When the URI has no single host and port.
        """
        parts = urlsplit(uri)
        if "," in parts.netloc:
            raise ValueError("a FaultProxy stands in front of one host: give it a URI with one host")
        port = parts.port or default_port
        if not parts.hostname or not port:
            raise ValueError("a FaultProxy needs a host and a port: give it a URI that names both")
        proxy = cls(parts.hostname, port)
        proxy.target_uri = uri
        return proxy

    # --- life ---

    def start(self) -> Self:
        """Listen. A proxy can be started again after it was closed; with `listen_port=0` its port is then another."""
        if self._thread is not None:
            raise RuntimeError("this FaultProxy is running already: start() or `with` it once")
        loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=_run, args=(loop,), name="fault-proxy", daemon=True)
        self._thread.start()
        self._loop = loop
        try:
            self._running = self._order(self._open())
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Close every connection and the listener, and end the thread. Doing it twice does nothing."""
        thread, loop, relay = self._thread, self._loop, self._running
        if thread is None or loop is None:
            return
        if relay is not None:
            self._order(relay.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_ORDER_SECONDS)
        self._thread = self._loop = self._running = None

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

    # --- where it is, and what passed ---

    @property
    def host(self) -> str:
        """Where it listens."""
        return self._relay.address[0]

    @property
    def port(self) -> int:
        """Its port, the same through every fault."""
        return self._relay.address[1]

    @property
    def uri(self) -> str:
        """The backend's URI with the proxy's address instead; `tcp://host:port` unless made by `for_uri`."""
        parts = urlsplit(self.target_uri)
        credentials, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{credentials}{at}{_host_and_port(self.host, self.port)}"))

    @property
    def connections_accepted(self) -> int:
        """How many connections were ever accepted."""
        return self._relay.accepted

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return self._relay.open_connections

    def bytes_forwarded(self, direction: Direction = Direction.BOTH) -> int:
        """How many bytes passed."""
        return sum(self._relay.lines[way].bytes_forwarded for way in direction.ways())

    # --- faults ---

    def refuse(self) -> None:
        """Close the listener and every connection: whoever connects is refused at once."""
        self._order(self._relay.refuse())

    def drop(self) -> None:
        """Close every connection that is open, once; new ones are welcome."""
        self._order(self._relay.end_connections(reset=False))

    def reset(self) -> None:
        """Break every connection off with RST, and every new one as soon as it is accepted."""
        self._order(self._reset())

    def freeze(self, direction: Direction = Direction.BOTH) -> None:
        """Accept and keep connections but let nothing pass: a black hole, or a backend that hangs."""
        self._add(direction, frozen=True)

    def latency(self, seconds: float, direction: Direction = Direction.BOTH) -> None:
        """Let everything arrive that much later."""
        self._add(direction, latency_seconds=_positive("seconds", seconds))

    def bandwidth(self, bytes_per_second: float, direction: Direction = Direction.BOTH) -> None:
        """Let each connection carry no more than that in a second."""
        self._add(direction, bytes_per_second=_positive("bytes_per_second", bytes_per_second))

    def slow_close(self, seconds: float, direction: Direction = Direction.BOTH) -> None:
        """Pass the end of a connection on that much later: the other side believes in a peer that is gone."""
        self._add(direction, close_delay_seconds=_positive("seconds", seconds))

    def slice(self, size: int = 1, direction: Direction = Direction.BOTH) -> None:
        """Cut everything into segments of `size` bytes: no message arrives in one piece."""
        self._add(direction, slice_bytes=int(_positive("size", size)))

    def cut_after(self, size: int, direction: Direction = Direction.BOTH) -> None:
        """Close each connection when it carried `size` more bytes in one direction: in the middle of a message."""
        if size < 0:
            raise ValueError("size must not be negative")
        self._add(direction, cut=Cut(size))

    def heal(self) -> None:
        """Remove every fault: connections that survived carry on, new ones are accepted."""
        self._order(self._relay.heal())

    # --- the other thread ---

    @property
    def _relay(self) -> Relay:
        if self._running is None:
            raise RuntimeError("this FaultProxy is not running: use it inside `with proxy:`")
        return self._running

    def _add(self, direction: Direction, **faults: object) -> None:
        self._order(self._change(direction, faults))

    async def _open(self) -> Relay:
        relay = Relay(self._target, self._listen_at)
        await relay.listen()
        return relay

    async def _reset(self) -> None:
        self._relay.resetting = True
        await self._relay.end_connections(reset=True)

    async def _change(self, direction: Direction, faults: dict[str, Any]) -> None:
        for way in direction.ways():
            line = self._relay.lines[way]
            line.set(replace(line.faults, **faults))

    def _order[T](self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            work.close()
            raise RuntimeError("this FaultProxy is not running: use it inside `with proxy:`")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_ORDER_SECONDS)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _positive(name: str, value: float) -> float:
    if value <= 0:
        raise ValueError(f"{name} must be more than 0")
    return value


def _host_and_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
