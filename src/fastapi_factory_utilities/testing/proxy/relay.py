"""The listener and its connections: what runs inside the proxy's own event loop."""

import asyncio
import socket
import struct
from typing import Any

from fastapi_factory_utilities.testing.ports import ReservedPort, bound_socket
from fastapi_factory_utilities.testing.proxy.faults import Direction
from fastapi_factory_utilities.testing.proxy.line import HEALTHY, Line
from fastapi_factory_utilities.testing.proxy.pump import LineCutError, pump

__all__ = ["Relay"]

_BACKLOG = 128
# Linger on, for zero seconds: the kernel answers close() with RST instead of FIN (RFC 9293, section 3.10.5).
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Relay:
    """Accepts connections and carries each to the target; every method runs in the relay's event loop."""

    def __init__(self, target: tuple[str, int], address: tuple[str, int]) -> None:
        # Looked up once, here: a resolver thread per connection would be noise in a test that counts threads.
        resolved = socket.getaddrinfo(*target, type=socket.SOCK_STREAM)[0]
        self._family, self._target = resolved[0], resolved[4]
        self.lines: dict[Direction, Line] = {Direction.TO_SERVER: Line(), Direction.TO_CLIENT: Line()}
        self.accepted: int = 0
        self.resetting: bool = False
        self._port = ReservedPort(*address)
        self.address: tuple[str, int] = (self._port.host, self._port.port)
        self._listener: socket.socket | None = None
        self._connections: dict[asyncio.Task[None], _Ends] = {}

    @property
    def open_connections(self) -> int:
        """How many connections are carried now."""
        return len(self._connections)

    async def listen(self) -> None:
        """Accept connections, if that is not so already."""
        if self._listener is None:
            self._listener = bound_socket(*self.address)
            self._listener.listen(_BACKLOG)
            asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    async def refuse(self) -> None:
        """Close the listener and every connection: connecting is refused by the kernel from now on."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        await self.end_connections(reset=False)

    async def end_connections(self, *, reset: bool) -> None:
        """Close every connection, at both ends."""
        ending = dict(self._connections)
        for task, ends in ending.items():
            ends.reset = ends.reset or reset
            task.cancel()
        if ending:
            await asyncio.wait(ending)

    async def heal(self) -> None:
        """Remove every fault, and listen."""
        self.resetting = False
        for line in self.lines.values():
            line.set(HEALTHY)
        await self.listen()

    async def close(self) -> None:
        """Release everything."""
        await self.refuse()
        self._port.release()

    def _accept(self, listener: socket.socket) -> None:
        # Not `loop.sock_accept`: when that is cancelled in the moment of success, the new socket is nobody's.
        try:
            client, _ = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # whoever knocked is gone again
        self.accepted += 1
        ends = _Ends(client, self._family, reset=self.resetting)
        if self.resetting:
            ends.close()
            return
        task = asyncio.create_task(self._carry(ends))
        self._connections[task] = ends
        task.add_done_callback(self._forget)

    def _forget(self, task: "asyncio.Task[None]") -> None:
        # Here and not at the end of the task's coroutine: a task that is cancelled at once never runs it.
        self._connections.pop(task).close()

    async def _carry(self, ends: "_Ends") -> None:
        to_server, to_client = self.lines[Direction.TO_SERVER], self.lines[Direction.TO_CLIENT]
        try:
            await to_server.thawed()
            await ends.connect(self._target)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(pump(to_server, ends.client, ends.server))
                pumps.create_task(pump(to_client, ends.server, ends.client))
        except* LineCutError:
            pass
        except* OSError:
            # One end broke it off, or the target refused: the other end is told in the same way.
            ends.reset = True


class _Ends:
    """The two sockets of one connection."""

    def __init__(self, client: socket.socket, family: int, *, reset: bool) -> None:
        self.client = client
        self.client.setblocking(False)  # noqa: FBT003 - the standard library's signature
        self.server = socket.socket(family)
        self.server.setblocking(False)  # noqa: FBT003 - the standard library's signature
        self.reset = reset

    async def connect(self, target: Any) -> None:  # noqa: ANN401 - a socket address is different in each family
        await asyncio.get_running_loop().sock_connect(self.server, target)
        for end in (self.client, self.server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        for end in (self.client, self.server):
            if self.reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            end.close()
