"""Redis with replicas and a Sentinel, failing over on one machine."""

import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from fastapi_factory_utilities.testing.servers.errors import ServerError
from fastapi_factory_utilities.testing.servers.redis import RedisServer
from fastapi_factory_utilities.testing.servers.redis_wire import ask

__all__ = ["RedisSentinelServers", "SentinelServer"]

_SERVICE: Final = "main"
_POLL_SECONDS: Final = 0.02
# A replica is sent the data at once, not when others might have come to share it; one that lags is not promoted late.
_REPLICATION: Final = {"repl-diskless-sync-delay": "0", "repl-ping-replica-period": "1"}


class SentinelServer(RedisServer):
    """A Sentinel that watches one primary and fails over by itself.

    Args:
        primary: The primary it begins with.
    """

    def __init__(self, primary: RedisServer) -> None:
        super().__init__()
        self._primary = primary

    @property
    def configuration(self) -> Path:
        """Its configuration, where it also keeps what it knows."""
        return self.folder / "sentinel.conf"

    def prepare(self) -> None:
        """Write the configuration, the first time."""
        super().prepare()
        if self.configuration.exists():
            return
        lines = [
            f"bind {self.host}",
            f"port {self.port}",
            f"dir {self.data}",
            f"sentinel monitor {_SERVICE} {self._primary.host} {self._primary.port} 1",
            f"sentinel down-after-milliseconds {_SERVICE} 500",
            f"sentinel failover-timeout {_SERVICE} 3000",
        ]
        self.configuration.write_text("\n".join(lines) + "\n")

    def command(self) -> list[str]:
        """See `PrivateServer.command`."""
        return [super().command()[0], str(self.configuration), "--sentinel"]


class RedisSentinelServers:
    """A primary, replicas and a Sentinel, to be started by `with`; the primary can be killed.

    Args:
        replicas: How many replicas.
    """

    def __init__(self, replicas: int = 1) -> None:
        primary = RedisServer(options=_REPLICATION)
        self._first = primary
        self.servers: list[RedisServer] = [primary]
        self._replica_count = replicas
        self.sentinel: SentinelServer = SentinelServer(primary)
        self._open = ExitStack()

    @property
    def section(self) -> dict[str, Any]:
        """The section `redis` that finds the primary, whichever it is."""
        return {"sentinels": [f"{self.sentinel.host}:{self.sentinel.port}"], "sentinel_service": _SERVICE}

    @property
    def primary(self) -> RedisServer:
        """The server that the Sentinel names as the primary now."""
        if self.sentinel.pid is None:
            return self._first
        # An array of two bulk strings: the lines are *2, $9, the address, $5, the port.
        where = ("SENTINEL", "get-master-addr-by-name", _SERVICE)
        port = int(ask(self.sentinel.host, self.sentinel.port, *where, line=4))
        return next(server for server in self.servers if server.port == port)

    def kill_primary(self) -> RedisServer:
        """Kill the primary, and return it; the Sentinel promotes a replica."""
        primary = self.primary
        primary.kill()
        return primary

    def wait_until_replicated(self, count: int, seconds: float = 20.0) -> None:
        """Return when so many replicas follow the primary.

        Raises:
            ServerError: They do not, in time.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                primary = self.primary
                if ask(primary.host, primary.port, "WAIT", str(count), "100") == b":%d" % count:
                    return
            except OSError:
                pass
            time.sleep(_POLL_SECONDS)
        raise ServerError(f"the primary has no {count} replicas after {seconds:g} s")

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(self._first)
            following = {**_REPLICATION, "replicaof": f"{self._first.host} {self._first.port}"}
            for _ in range(self._replica_count):
                self.servers.append(opened.enter_context(RedisServer(options=following)))
            self.wait_until_replicated(self._replica_count)
            # Last: a Sentinel asks for the replicas when it starts, and then only every 10 s.
            opened.enter_context(self.sentinel)
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()
