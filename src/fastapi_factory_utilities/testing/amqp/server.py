"""The broker inside its event loop: a listener, connections, virtual hosts."""

import asyncio
import socket
from collections.abc import Iterable

from fastapi_factory_utilities.testing.amqp.session import Session
from fastapi_factory_utilities.testing.amqp.vhosts import VirtualHost
from fastapi_factory_utilities.testing.ports import ReservedPort, bound_socket

__all__ = ["BrokerServer"]

_BACKLOG = 128


class BrokerServer:
    """Listens on loopback; every method runs in its event loop.

    Attributes:
        vhosts: The virtual hosts, by name.
        sessions: The connections that are open.
        port: Its port, the same as long as it lives.
    """

    def __init__(self, port: int, vhosts: Iterable[str]) -> None:
        self.vhosts: dict[str, VirtualHost] = {name: VirtualHost(name) for name in vhosts}
        self.sessions: set[Session] = set()
        self._reserved = ReservedPort(port=port)
        self.port: int = self._reserved.port
        self._listener: socket.socket | None = None
        self._welcoming: set[asyncio.Task[object]] = set()

    async def listen(self) -> None:
        """Take connections, if that is not so already."""
        if self._listener is None:
            self._listener = bound_socket(self._reserved.host, self.port)
            self._listener.listen(_BACKLOG)
            asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    async def refuse(self) -> None:
        """Close the listener and every connection."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        if self._welcoming:
            await asyncio.wait(self._welcoming)
        await self.drop()

    async def drop(self) -> None:
        """Cut every connection; new ones are welcome."""
        dropped = list(self.sessions)
        for session in dropped:
            session.drop()
        for session in dropped:
            await session.lost.wait()

    async def restart(self, *, forgetting: bool) -> None:
        """Cut every connection, and keep what a broker keeps, or nothing but the names of the virtual hosts."""
        await self.refuse()
        for name, vhost in list(self.vhosts.items()):
            self.vhosts[name] = VirtualHost(name) if forgetting else vhost.restarted()
            vhost.close()
        await self.listen()

    async def close(self) -> None:
        """Release everything."""
        await self.refuse()
        for vhost in self.vhosts.values():
            vhost.close()
        self._reserved.release()

    def _accept(self, listener: socket.socket) -> None:
        # Not `loop.create_server`: nothing tells when a connection that it has accepted is there, or is not any more.
        try:
            client, _ = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # whoever knocked is gone again
        client.setblocking(False)  # noqa: FBT003 - the standard library's signature
        loop = asyncio.get_running_loop()
        welcoming: asyncio.Task[object] = loop.create_task(loop.connect_accepted_socket(lambda: Session(self), client))
        self._welcoming.add(welcoming)
        welcoming.add_done_callback(self._welcoming.discard)
