"""MongoDB, and a stand-in that speaks its protocol."""

import shutil
import sys
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from fastapi_factory_utilities.testing.servers.errors import BackendNotAvailable
from fastapi_factory_utilities.testing.servers.mongo_wire import Value, ask
from fastapi_factory_utilities.testing.servers.private import PrivateServer

__all__ = ["REPLICA_SET", "MongodServer", "SecantusServer", "mongo_answers", "mongo_uri"]

REPLICA_SET = "ffu"


def mongo_answers(host: str, port: int, *, member: str | None = None) -> bool:
    """Whether a MongoDB takes writes; one on a new data folder is told to be a replica set of one first.

    Args:
        host: Where it is.
        port: Its port.
        member: Its address as it sees itself, `host:port` by default.
    """
    try:
        hello = ask(host, port, {"hello": 1})
        # "isreplicaset" marks a member that waits for its first configuration (Server Discovery specification).
        if b"\x08isreplicaset\0\x01" in hello:
            itself: dict[str, Value] = {"_id": 0, "host": member or f"{host}:{port}"}
            ask(host, port, {"replSetInitiate": {"_id": REPLICA_SET, "members": [itself]}})
    except OSError:
        return False
    return b"\x08isWritablePrimary\0\x01" in hello


def mongo_uri(host: str, port: int) -> str:
    """The URI of one server, whatever names its replica set knows it by."""
    return f"mongodb://{host}:{port}/?directConnection=true"


class _MongoProcess(PrivateServer):
    backend: ClassVar[str] = "MongoDB"

    @classmethod
    @abstractmethod
    def executable(cls) -> str | None:
        """The path of its program on this machine; None when it is not here."""

    @property
    def uri(self) -> str:
        """Where it is reached, without a database."""
        return mongo_uri(self.host, self.port)

    @property
    def data(self) -> Path:
        """Where its data is."""
        return self.folder / "data"

    def prepare(self) -> None:
        """Make the data folder."""
        self.data.mkdir(exist_ok=True)

    def answers(self) -> bool:
        """Whether it takes writes."""
        return mongo_answers(self.host, self.port)

    def _program(self) -> str:
        if (path := self.executable()) is None:
            raise BackendNotAvailable("MongoDB", f"install {type(self).__name__.removesuffix('Server')}")
        return path


class MongodServer(_MongoProcess):
    """A real `mongod` as a replica set of one, so that transactions and change streams work."""

    @classmethod
    def executable(cls) -> str | None:
        """`mongod` on PATH."""
        return shutil.which("mongod")

    def command(self) -> list[str]:
        """See `PrivateServer.command`."""
        options = {"--bind_ip": self.host, "--port": str(self.port), "--dbpath": str(self.data)}
        options |= {"--replSet": REPLICA_SET, "--oplogSize": "64", "--wiredTigerCacheSizeGB": "0.25"}
        return [self._program(), *(word for option in options.items() for word in option), "--nounixsocket"]


class SecantusServer(_MongoProcess):
    """SecantusDB, which speaks MongoDB's protocol and comes as a wheel: `fastapi-factory-utilities[embedded]`.

    It is beta and GPL-2.0-only, so it runs as a process of its own and is never imported.
    """

    @classmethod
    def executable(cls) -> str | None:
        """`secantusd-py` beside this Python, or on PATH."""
        beside = Path(sys.executable).parent / "secantusd-py"
        return str(beside) if beside.exists() else shutil.which("secantusd-py")

    def command(self) -> list[str]:
        """See `PrivateServer.command`; every acknowledged write is on disk, as mongod's journal would have it."""
        options = {"--host": self.host, "--port": str(self.port), "--storage-path": str(self.data)}
        options |= {"--cache-size": "128M", "--log-level": "WARNING"}
        return [self._program(), *(word for option in options.items() for word in option), "--sync-on-commit"]
