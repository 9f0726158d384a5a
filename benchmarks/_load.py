"""A load generator for one purpose: the same request again and again over keep-alive connections, at little cost."""

import asyncio
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast

__all__ = ["Load", "LoadResult", "request_bytes"]


_ROUND_SECONDS = 120  # a round that takes longer is stuck


@dataclass
class LoadResult:
    """What one drive saw."""

    requests: int
    seconds: float
    statuses: dict[int, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Requests per second of wall-clock time."""
        return self.requests / self.seconds

    def percentile(self, share: float) -> float:
        """Return the latency, in seconds, that this share of the requests did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer to the last one is complete, as long as there are some to send."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._budget = [0]
        self._result = LoadResult(0, 0.0)
        self._buffer = b""
        self._sent_at = 0.0
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def send(self, budget: list[int], result: LoadResult) -> "asyncio.Future[None]":
        """Send requests until the budget, which connections share, is used up."""
        self._budget, self._result = budget, result
        self._done = self._loop.create_future()
        self._next()
        return self._done

    def close(self) -> None:
        self._transport.close()

    def _next(self) -> None:
        if self._budget[0] <= 0:
            if self._done is not None and not self._done.done():
                self._done.set_result(None)
            return
        self._budget[0] -= 1
        self._sent_at = perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._buffer[:head_end].lower()
        at = head.find(b"content-length:")
        assert at > 0, f"this load generator needs a content-length: {head!r}"
        length = int(head[at + 15 : head.find(b"\r", at) if head.find(b"\r", at) > 0 else head_end])
        if len(self._buffer) < head_end + 4 + length:
            return
        status = int(head[9:12])
        self._buffer = b""
        self._result.statuses[status] = self._result.statuses.get(status, 0) + 1
        self._result.latencies.append(perf_counter() - self._sent_at)  # uvloop's clock counts milliseconds
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self._done is not None and not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server closed a keep-alive connection"))


def request_bytes(path: str, *, method: str = "GET", headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """Build one HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "User-Agent: bench", "Accept: */*"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Load:
    """Keep-alive connections to a server on loopback, kept between drives: none pays for connecting.

    Args:
        port: Where the server listens.
        request: The bytes of the request, see `request_bytes`.
        connections: How many.
    """

    def __init__(self, port: int, request: bytes, *, connections: int = 16) -> None:
        import uvloop  # noqa: PLC0415 - only the load generator needs it

        self._port = port
        self._request = request
        self._count = connections
        self._loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self._connections: list[_Connection] = []

    def drive(self, requests: int) -> LoadResult:
        """Send so many requests, each connection the next when its last was answered.

        Raises:
            ConnectionError: The server closed a connection in use, or there is none.
        """
        return self._loop.run_until_complete(self._drive(requests))

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections:
            connection.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _drive(self, requests: int) -> LoadResult:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0)  # hear of connections that the server closed meanwhile
        self._connections = [connection for connection in self._connections if not connection.lost]
        while len(self._connections) < self._count:
            _, connection = await loop.create_connection(lambda: _Connection(self._request), "127.0.0.1", self._port)
            self._connections.append(connection)
        result = LoadResult(requests, 0.0)
        budget = [requests]
        began = loop.time()
        async with asyncio.timeout(_ROUND_SECONDS):
            await asyncio.gather(*(connection.send(budget, result) for connection in self._connections))
        result.seconds = loop.time() - began
        return result
