"""The proxy as a test holds it: synchronous, safe from any thread and any event loop."""

from dataclasses import replace
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from fastapi_factory_utilities.testing.proxy.faults import Cut, Direction
from fastapi_factory_utilities.testing.proxy.relay import Relay
from fastapi_factory_utilities.testing.threaded import ThreadedServer

__all__ = ["FaultProxy"]


class FaultProxy(ThreadedServer[Relay]):
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

    thread_name = "fault-proxy"

    def __init__(
        self, target_host: str, target_port: int, *, listen_host: str = "127.0.0.1", listen_port: int = 0
    ) -> None:
        super().__init__()
        self._target = (target_host, target_port)
        self.target_uri: str = f"tcp://{_host_and_port(target_host, target_port)}"
        self._listen_at = (listen_host, listen_port)

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

    # --- where it is, and what passed ---

    @property
    def host(self) -> str:
        """Where it listens."""
        return self._running.address[0]

    @property
    def port(self) -> int:
        """Its port, the same through every fault."""
        return self._running.address[1]

    @property
    def uri(self) -> str:
        """The backend's URI with the proxy's address instead; `tcp://host:port` unless made by `for_uri`."""
        parts = urlsplit(self.target_uri)
        credentials, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{credentials}{at}{_host_and_port(self.host, self.port)}"))

    @property
    def connections_accepted(self) -> int:
        """How many connections were ever accepted."""
        return self._running.accepted

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return self._running.open_connections

    def bytes_forwarded(self, direction: Direction = Direction.BOTH) -> int:
        """How many bytes passed."""
        return sum(self._running.lines[way].bytes_forwarded for way in direction.ways())

    # --- faults ---

    def refuse(self) -> None:
        """Close the listener and every connection: whoever connects is refused at once."""
        self._order(self._running.refuse())

    def drop(self) -> None:
        """Close every connection that is open, once; new ones are welcome."""
        self._order(self._running.end_connections(reset=False))

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
        self._order(self._running.heal())

    # --- the other thread ---

    def _add(self, direction: Direction, **faults: object) -> None:
        self._order(self._change(direction, faults))

    async def _open(self) -> Relay:
        relay = Relay(self._target, self._listen_at)
        await relay.listen()
        return relay

    async def _reset(self) -> None:
        self._running.resetting = True
        await self._running.end_connections(reset=True)

    async def _change(self, direction: Direction, faults: dict[str, Any]) -> None:
        for way in direction.ways():
            line = self._running.lines[way]
            line.set(replace(line.faults, **faults))


def _positive(name: str, value: float) -> float:
    if value <= 0:
        raise ValueError(f"{name} must be more than 0")
    return value


def _host_and_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
