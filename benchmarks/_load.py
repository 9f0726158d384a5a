"""A load generator for one purpose: the same GET again and again over keep-alive connections, at little cost."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

__all__ = ["LoadResult", "drive"]


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
    """Sends the next request as soon as the answer to the last one is complete."""

    def __init__(self, request: bytes, budget: list[int], result: LoadResult) -> None:
        self._request = request
        self._budget = budget
        self._result = result
        self._buffer = b""
        self._sent_at = 0.0
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._next()

    def _next(self) -> None:
        if self._budget[0] <= 0:
            self._transport.close()
            if not self.done.done():
                self.done.set_result(None)
            return
        self._budget[0] -= 1
        self._sent_at = self._loop.time()
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
        self._result.latencies.append(self._loop.time() - self._sent_at)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed a keep-alive connection"))


def request_bytes(path: str, *, method: str = "GET", headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """Build one HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "User-Agent: bench", "Accept: */*"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def drive(port: int, request: bytes, *, requests: int, connections: int = 16) -> LoadResult:
    """Send `requests` requests over `connections` keep-alive connections to a server on loopback.

    Raises:
        ConnectionError: The server closed a connection, or there is none.
    """

    async def run() -> LoadResult:
        loop = asyncio.get_running_loop()
        result = LoadResult(requests, 0.0)
        budget = [requests]
        began = loop.time()
        protocols = []
        for _ in range(min(connections, requests)):
            _, protocol = await loop.create_connection(lambda: _Connection(request, budget, result), "127.0.0.1", port)
            protocols.append(protocol)
        async with asyncio.timeout(_ROUND_SECONDS):
            await asyncio.gather(*(protocol.done for protocol in protocols))
        result.seconds = loop.time() - began
        return result

    import uvloop  # noqa: PLC0415 - only the load generator needs it

    return uvloop.run(run())
