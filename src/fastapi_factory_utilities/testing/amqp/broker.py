"""The broker as a test or a demo holds it: synchronous, safe from any thread and any event loop."""

from collections.abc import Iterable
from urllib.parse import quote

from fastapi_factory_utilities.testing.amqp.exchanges import Binding
from fastapi_factory_utilities.testing.amqp.server import BrokerServer
from fastapi_factory_utilities.testing.amqp.vhosts import VirtualHost
from fastapi_factory_utilities.testing.amqp.views import QueueView, StoredMessage
from fastapi_factory_utilities.testing.threaded import ThreadedServer

__all__ = ["InMemoryBroker"]


class InMemoryBroker(ThreadedServer[BrokerServer]):
    """A message broker in this process that speaks AMQP 0-9-1 on loopback, as RabbitMQ does.

    The library's plugin, aio-pika and every other client run against it unchanged. It lives in a thread with an event
    loop of its own, so that synchronous and asynchronous tests use the same methods; whatever is in it is gone when it
    is closed. It lets everybody in.

        with InMemoryBroker() as broker:
            connection = await aio_pika.connect(broker.url)

    It has no clusters, streams, transactions, policies or management; quorum queues are queues that count deliveries.

    Args:
        port: Its port on loopback; 0 takes a free one.
        vhosts: Its virtual hosts.
    """

    thread_name = "in-memory-broker"

    def __init__(self, *, port: int = 0, vhosts: Iterable[str] = ("/",)) -> None:
        super().__init__()
        self._port = port
        self._vhosts = tuple(vhosts)

    # --- where it is ---

    @property
    def port(self) -> int:
        """Its port."""
        return self._running.port

    @property
    def url(self) -> str:
        """The URL of its virtual host `/`."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def url_for(self, vhost: str) -> str:
        """The URL of a virtual host."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{quote(vhost, safe='')}"

    def add_vhost(self, name: str) -> str:
        """Make a virtual host, and return its URL; one of that name that is there already is kept."""
        self._order(self._add_vhost(name))
        return self.url_for(name)

    # --- faults ---

    def stop(self) -> None:
        """Cut every connection and refuse new ones, until `restart()` or `forget()`."""
        self._order(self._running.refuse())

    def drop_connections(self) -> None:
        """Cut every connection, once; new ones are welcome."""
        self._order(self._running.drop())

    def restart(self) -> None:
        """Cut every connection, and keep what RabbitMQ keeps: durable exchanges and queues, and persistent messages."""
        self._order(self._running.restart(forgetting=False))

    def forget(self) -> None:
        """Cut every connection, and keep nothing, as a broker that lost its disk."""
        self._order(self._running.restart(forgetting=True))

    # --- what is in it ---

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._running.sessions)

    def queues(self, vhost: str = "/") -> list[QueueView]:
        """All queues, in the order of their names."""
        return self._order(self._queues(vhost))

    def queue(self, name: str, vhost: str = "/") -> QueueView:
        """A queue.

        Raises:
            KeyError: When there is none of that name.
        """
        return {queue.name: queue for queue in self.queues(vhost)}[name]

    def messages(self, queue: str, vhost: str = "/") -> list[StoredMessage]:
        """The messages that wait in a queue, the next one first.

        Raises:
            KeyError: When there is no queue of that name.
        """
        return self._order(self._messages(queue, vhost))

    def exchanges(self, vhost: str = "/") -> dict[str, str]:
        """The type of each exchange, by name, with those that are always there."""
        return self._order(self._exchanges(vhost))

    def bindings(self, vhost: str = "/") -> list[Binding]:
        """All bindings but those of the default exchange, which every queue has."""
        return self._order(self._bindings(vhost))

    # --- the other thread ---

    async def _open(self) -> BrokerServer:
        server = BrokerServer(self._port, self._vhosts)
        await server.listen()
        return server

    async def _add_vhost(self, name: str) -> None:
        self._running.vhosts.setdefault(name, VirtualHost(name))

    async def _queues(self, vhost: str) -> list[QueueView]:
        queues = self._running.vhosts[vhost].queues
        return [QueueView.of(queues[name]) for name in sorted(queues)]

    async def _messages(self, queue: str, vhost: str) -> list[StoredMessage]:
        return [StoredMessage.of(entry) for entry in self._running.vhosts[vhost].queues[queue].ready]

    async def _exchanges(self, vhost: str) -> dict[str, str]:
        return {name: exchange.type for name, exchange in self._running.vhosts[vhost].exchanges.items()}

    async def _bindings(self, vhost: str) -> list[Binding]:
        exchanges = self._running.vhosts[vhost].exchanges.values()
        return [binding for exchange in exchanges if exchange.name for binding in exchange.bindings]
