"""RabbitMQ: a node of our own, on loopback, with a virtual host for each test."""

import secrets
import shlex
import shutil
import socket
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, TypedDict
from urllib.parse import quote, urlsplit, urlunsplit

from fastapi_factory_utilities.testing.ports import ReservedPort
from fastapi_factory_utilities.testing.servers.container import ContainerServer
from fastapi_factory_utilities.testing.servers.epmd import EpmdServer
from fastapi_factory_utilities.testing.servers.erlang import ErlangNode, Term
from fastapi_factory_utilities.testing.servers.errors import BackendNotAvailable, ServerError
from fastapi_factory_utilities.testing.servers.private import PrivateServer
from fastapi_factory_utilities.testing.servers.server import Server

__all__ = [
    "Address",
    "HasVhosts",
    "RabbitMQContainer",
    "RabbitMQNode",
    "RabbitMQServer",
    "rabbitmq_answers",
    "rabbitmq_uri",
]

# The program in sbin becomes the system user `rabbitmq`; this one is the server.
_DEBIAN_PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_USER = "guest"
_ACTING_USER = b"ffu"
_CONNECTION_START = b"\x01\x00\x00"  # a method frame on channel 0


def rabbitmq_answers(host: str, port: int) -> bool:
    """Whether a RabbitMQ takes connections."""
    try:
        with socket.create_connection((host, port), timeout=1.0) as line:
            line.sendall(b"AMQP\0\0\x09\x01")
            return line.recv(3) == _CONNECTION_START
    except OSError:
        return False


def rabbitmq_uri(host: str, port: int) -> str:
    """The URI of its default virtual host, `/`."""
    return f"amqp://{_USER}:{_USER}@{host}:{port}/"


class HasVhosts(Server):
    """A RabbitMQ that makes virtual hosts: a room of its own for each test."""

    backend: ClassVar[str] = "RabbitMQ"

    @abstractmethod
    def add_vhost(self, name: str) -> str:
        """Make a virtual host that `guest` may do everything in, and return its URI.

        Raises:
            ServerError: When the server does not answer or refuses.
        """

    @abstractmethod
    def delete_vhost(self, name: str) -> None:
        """Remove a virtual host with all that is in it; its connections are closed."""

    def uri_for(self, database: str) -> str:
        """Where a virtual host of that name is reached."""
        return urlunsplit(urlsplit(self.uri)._replace(path=f"/{quote(database, safe='')}"))


class Address(TypedDict):
    """Where a node of this machine is."""

    port: int
    distribution_port: int
    cookie: str


class RabbitMQNode(HasVhosts):
    """A RabbitMQ node of this machine."""

    @abstractmethod
    def erlang_node(self) -> ErlangNode:
        """The node, to call its functions.

        Raises:
            ServerError: When it does not run.
        """

    def add_vhost(self, name: str) -> str:
        """See `HasVhosts.add_vhost`."""
        node = self.erlang_node()
        node.call("rabbit_vhost", "add", name.encode(), _ACTING_USER)
        permitted = (_USER.encode(), name.encode(), b".*", b".*", b".*", _ACTING_USER)
        node.call("rabbit_auth_backend_internal", "set_permissions", *permitted)
        return self.uri_for(name)

    def delete_vhost(self, name: str) -> None:
        """See `HasVhosts.delete_vhost`."""
        self.erlang_node().call("rabbit_vhost", "delete", name.encode(), _ACTING_USER)


class RabbitMQServer(RabbitMQNode, PrivateServer):
    """A RabbitMQ node with its own port mapper, database and cookie; user and password are `guest`.

    Args:
        name: The first part of the node's name; the second is `localhost`.
        epmd: A port mapper that a cluster shares; by default one of its own.
        cookie: The secret of its cluster; by default a new one.
        peers: The names of all nodes of its cluster, such as `a@localhost`; none is a node alone.
        folder: See `PrivateServer`.
        port: See `PrivateServer`.
    """

    def __init__(
        self,
        *,
        name: str = "rabbit",
        epmd: EpmdServer | None = None,
        cookie: str | None = None,
        peers: Sequence[str] = (),
        folder: Path | None = None,
        port: int = 0,
        deadline_seconds: float = 60.0,
        stop_seconds: float = 10.0,
    ) -> None:
        super().__init__(folder=folder, port=port, deadline_seconds=deadline_seconds, stop_seconds=stop_seconds)
        self.node: str = f"{name}@localhost"
        self._own_epmd = epmd is None
        self._epmd = epmd or EpmdServer()
        self._cookie = cookie or secrets.token_hex(16)
        self._peers = tuple(peers)
        self._distribution: ReservedPort | None = None

    @classmethod
    def executable(cls) -> str | None:
        """The server's program: Debian's, or the one on PATH; None when there is none, or no Erlang."""
        program = str(_DEBIAN_PROGRAM) if _DEBIAN_PROGRAM.exists() else shutil.which("rabbitmq-server")
        return program if EpmdServer.executable() else None

    @property
    def uri(self) -> str:
        """Where it is reached, with the virtual host `/`."""
        return rabbitmq_uri(self.host, self.port)

    def erlang_node(self) -> ErlangNode:
        """See `RabbitMQNode.erlang_node`."""
        if self._distribution is None:
            raise ServerError(f"{self.backend} does not run: start it first")
        return ErlangNode(self.host, self._distribution.port, self._cookie)

    def address(self) -> Address:
        """Where node and distribution are, and the cookie: what another process needs to use it as we do."""
        node = self.erlang_node()
        return Address(port=self.port, distribution_port=node.port, cookie=node.cookie)

    def erlang(self, module: str, function: str, *arguments: Term) -> Term:
        """Call a function of the node, as `rabbitmqctl eval` would (see `ErlangNode.call`)."""
        return self.erlang_node().call(module, function, *arguments)

    def prepare(self) -> None:
        """Start the port mapper, and write cookie and configuration."""
        if self._own_epmd:
            self._epmd.start()
        if self._distribution is None:
            self._distribution = ReservedPort(self.host)
        cookie = self.folder / ".erlang.cookie"
        cookie.unlink(missing_ok=True)
        cookie.write_text(self._cookie)
        cookie.chmod(0o400)
        (self.folder / "enabled_plugins").write_text("[].\n")
        (self.folder / "rabbitmq.conf").write_text("".join(f"{line}\n" for line in self._settings()))

    def command(self) -> list[str]:
        """See `PrivateServer.command`."""
        if (program := self.executable()) is None or self._distribution is None:
            raise BackendNotAvailable("RabbitMQ", "install rabbitmq-server")
        data = str(self.folder / "mnesia")
        environment = {
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._epmd.port),
            "ERL_EPMD_ADDRESS": self.host,
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": self.host,
            "RABBITMQ_DIST_PORT": str(self._distribution.port),
            "RABBITMQ_MNESIA_BASE": data,
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            # Two schedulers that do not spin, and a distribution that only this machine reaches.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}",
            # The script becomes the server instead of waiting for it: one process, whose end is the server's.
            "RUNNING_UNDER_SYSTEMD": "true",
        }
        return ["/usr/bin/env", *(f"{name}={value}" for name, value in environment.items()), program]

    def answers(self) -> bool:
        """Whether it takes connections."""
        return rabbitmq_answers(self.host, self.port)

    def close(self) -> None:
        """See `Server.close`."""
        super().close()
        if self._own_epmd:
            self._epmd.close()
        if self._distribution is not None:
            self._distribution.release()
            self._distribution = None

    def _settings(self) -> list[str]:
        # A test may fill the machine's disk to the brim, and still expects its broker to take messages.
        settings = ["log.console = true", "log.console.level = warning", "disk_free_limit.absolute = 1MB"]
        if self._peers:
            settings += ["cluster_formation.peer_discovery_backend = classic_config"]
            nodes = "cluster_formation.classic_config.nodes"
            settings += [f"{nodes}.{number} = {peer}" for number, peer in enumerate(self._peers, start=1)]
        return settings


class RabbitMQContainer(ContainerServer, HasVhosts):
    """RabbitMQ in a container, with its virtual hosts made by its own command."""

    def __init__(self) -> None:
        super().__init__("RabbitMQ", "rabbitmq:4-alpine", port=5672, uri=rabbitmq_uri, answers=rabbitmq_answers)

    def add_vhost(self, name: str) -> str:
        """See `HasVhosts.add_vhost`."""
        self._rabbitmqctl("add_vhost", name)
        self._rabbitmqctl("set_permissions", "-p", name, _USER, ".*", ".*", ".*")
        return self.uri_for(name)

    def delete_vhost(self, name: str) -> None:
        """See `HasVhosts.delete_vhost`."""
        self._rabbitmqctl("delete_vhost", name)

    def _rabbitmqctl(self, *arguments: str) -> None:
        status, output = self._engine().exec_run(["rabbitmqctl", *arguments])
        if status:
            raise ServerError(f"rabbitmqctl {shlex.join(arguments)} failed: {output.decode(errors='replace')}")
