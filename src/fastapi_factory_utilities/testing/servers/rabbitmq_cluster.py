"""A RabbitMQ cluster on this machine: what losing one of its nodes looks like."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from fastapi_factory_utilities.testing.servers.epmd import EpmdServer
from fastapi_factory_utilities.testing.servers.errors import ServerError
from fastapi_factory_utilities.testing.servers.rabbitmq import RabbitMQServer

__all__ = ["RabbitMQCluster"]

_NAMES = "abcdefghi"
_POLL_SECONDS = 0.1
# A queue's place in a node's own directory is written to disk every half second, the schema's log somewhat later.
_SETTLING_SECONDS = 2.0


class RabbitMQCluster:
    """Nodes that share their queues; started by `with`, which returns when all of them know each other.

    Each node is a `RabbitMQServer` of its own: `cluster.nodes[1].kill()`.

    Args:
        size: How many nodes.
        deadline_seconds: How long they may take to find each other.
    """

    def __init__(self, size: int = 3, *, deadline_seconds: float = 120.0) -> None:
        self._deadline_seconds = deadline_seconds
        self._epmd = EpmdServer()
        cookie = secrets.token_hex(16)
        names = _NAMES[:size]
        self.nodes: list[RabbitMQServer] = [
            RabbitMQServer(
                name=name,
                epmd=self._epmd,
                cookie=cookie,
                peers=[f"{peer}@localhost" for peer in names],
                deadline_seconds=deadline_seconds,
            )
            for name in names
        ]
        self._opened = ExitStack()

    def uri_for(self, vhost: str) -> str:
        """The URI of a virtual host with every node in it, with commas between, as the section `aiopika` takes it."""
        scheme, _, rest = self.nodes[0].uri_for(vhost).partition("://")
        credentials, _, path = rest.partition("@")
        hosts = ",".join(f"{node.host}:{node.port}" for node in self.nodes)
        return f"{scheme}://{credentials}@{hosts}/{path.partition('/')[2]}"

    def add_vhost(self, name: str) -> str:
        """Make a virtual host on all nodes, and return its URI (see `uri_for`)."""
        self.nodes[0].add_vhost(name)
        return self.uri_for(name)

    def start(self) -> None:
        """Start all nodes, and return when each knows all others.

        Raises:
            ServerError: When they do not in time.
        """
        self._opened.enter_context(self._epmd)
        # The first forms the cluster; were they all the first, each would form one of its own.
        self._opened.enter_context(self.nodes[0])
        with ThreadPoolExecutor() as starting:
            for node in self.nodes[1:]:
                self._opened.callback(node.close)
            list(starting.map(RabbitMQServer.start, self.nodes[1:]))
        self.wait_until_complete()

    def wait_until_complete(self) -> None:
        """Return when every node runs and knows all others.

        Raises:
            ServerError: When they do not in time.
        """
        deadline = time.monotonic() + self._deadline_seconds
        while any(len(self._known_to(node)) < len(self.nodes) for node in self.nodes):
            if time.monotonic() > deadline:
                raise ServerError(f"the nodes of the RabbitMQ cluster do not find each other: {self._told()}")
            time.sleep(_POLL_SECONDS)

    def settle(self) -> None:
        """Return when a new quorum queue is on the disk of each node, and survives its `kill()`.

        Nothing tells when that is, so this waits for the longest of the intervals at which it is written.
        """
        time.sleep(_SETTLING_SECONDS)

    def close(self) -> None:
        """End all nodes, and remove what they left behind."""
        self._opened.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _known_to(self, node: RabbitMQServer) -> list[object]:
        try:
            running = node.erlang("rabbit_nodes", "all_running")
        except ServerError:
            return []
        return list(running) if isinstance(running, list) else []

    def _told(self) -> str:
        return ", ".join(f"{node.node} knows {self._known_to(node)}" for node in self.nodes)
