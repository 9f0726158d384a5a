"""The backends of a page: each runs when the page says so, or always, when the page does not say."""

import re
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import urlsplit

from fastapi_factory_utilities.testing import redis_server
from fastapi_factory_utilities.testing.amqp import InMemoryBroker

__all__ = ["Backend", "Make", "PageBackends", "in_memory_rabbitmq"]

_NAMES: Mapping[str, tuple[str, str, str]] = {
    "mongo": ("odm", "MONGO_URI", "27017"),
    "rabbitmq": ("aiopika", "AMQP_URL", "5672"),
    "redis": ("redis", "REDIS_URL", "6379"),
}
"""What a command calls each of them; its section of the configuration, the variable that says where it is, its port."""

_STARTS: Mapping[str, str] = {
    "mongo": r"(docker .*\bmongo\b|secantusd-py )",
    "rabbitmq": r"docker .*\brabbitmq\b",
    "redis": r"docker .*\bredis\b",
}
"""The commands of a page that starts one itself."""

Make = Callable[[], "Backend"]


class Backend(Protocol):
    """A server as a page controls it; the library's `Server` is one."""

    @property
    def uri(self) -> str:
        """Where it is."""
        ...

    def start(self) -> object:
        """Start it, again on the same port."""
        ...

    def stop(self) -> object:
        """End it; what it keeps on disk is there when it starts again."""
        ...

    def close(self) -> object:
        """Remove it."""
        ...


class PageBackends:
    """The MongoDB, RabbitMQ and Redis of a page, each made when it is first asked for.

    Args:
        page: The page's text.
        mongo: Makes the MongoDB.
        rabbitmq: Makes the RabbitMQ; by default the library's own in memory, which passes RabbitMQ's tests.
        redis: Makes the Redis.
    """

    def __init__(self, page: str, mongo: Make, rabbitmq: Make | None = None, redis: Make | None = None) -> None:
        make = {
            "mongo": mongo,
            "rabbitmq": rabbitmq or in_memory_rabbitmq,
            "redis": redis or (lambda: redis_server(private=True)),
        }
        self._all = {name: _PageBackend(name, make[name], page) for name in _NAMES}

    def variables(self, configuration: str) -> dict[str, str]:
        """Say where those are that the page's configuration has a section for."""
        return {
            variable: self._all[name].uri
            for name, (section, variable, _) in _NAMES.items()
            if re.search(rf"^{section}:", configuration, re.MULTILINE)
        }

    def real_port(self, shown: str) -> str | None:
        """Return the port that the one of them has that usually has this port."""
        name = next((name for name, (_, _, port) in _NAMES.items() if port == shown), None)
        return None if name is None else str(urlsplit(self._all[name].uri).port)

    def obey(self, verb: str, command: str) -> None:
        """Do what a `docker` command says."""
        name = next((name for name in _NAMES if name in command), "mongo")
        self._all[name].obey(verb)

    def close(self) -> None:
        """Remove them."""
        for backend in self._all.values():
            backend.close()


class _PageBackend:
    """One of them; whatever a page calls it, it is the server of this machine."""

    def __init__(self, name: str, make: Make, page: str) -> None:
        self._make = make
        self._page_starts_it = bool(re.search(rf"^\$ {_STARTS[name]}", page, re.MULTILINE))
        self._backend: Backend | None = None

    @property
    def uri(self) -> str:
        return self._its_backend().uri

    def obey(self, verb: str) -> None:
        backend = self._its_backend()
        orders = {
            "run": "start",
            "start": "start",
            "stop": "stop",
            "kill": "kill",
            "pause": "freeze",
            "unpause": "thaw",
        }
        getattr(backend, orders[verb])()

    def close(self) -> None:
        if self._backend is not None:
            self._backend.close()

    def _its_backend(self) -> Backend:
        if self._backend is None:
            self._backend = self._make()
            self._backend.start()  # from now on it has a port
            if self._page_starts_it:
                self._backend.stop()
        return self._backend


class _InMemoryRabbitMQ:
    """The library's in-memory broker, to be started and stopped like a server that keeps what it has."""

    def __init__(self) -> None:
        self._broker = InMemoryBroker()
        self._was_started = False

    @property
    def uri(self) -> str:
        return self._broker.url

    def start(self) -> None:
        if self._was_started:
            self._broker.restart()
        else:
            self._broker.start()
            self._was_started = True

    def stop(self) -> None:
        self._broker.stop()

    def close(self) -> None:
        self._broker.close()


def in_memory_rabbitmq() -> Backend:
    """Make a RabbitMQ that takes milliseconds to start."""
    return _InMemoryRabbitMQ()
