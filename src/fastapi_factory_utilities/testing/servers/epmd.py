"""Erlang's port mapper, which every Erlang node of a machine registers with."""

import shutil
import signal
import socket
import struct
from pathlib import Path
from typing import ClassVar

from fastapi_factory_utilities.testing.servers.errors import BackendNotAvailable
from fastapi_factory_utilities.testing.servers.private import PrivateServer

__all__ = ["EpmdServer"]

_DEBIAN_ERLANG = Path("/usr/lib/erlang")
_NAMES_REQUEST = b"n"


class EpmdServer(PrivateServer):
    """A port mapper of our own, so that our nodes meet nobody else's, and leave no daemon behind."""

    backend: ClassVar[str] = "epmd"
    stop_signal = signal.SIGKILL  # it ignores the polite ones while a node is registered

    @classmethod
    def executable(cls) -> str | None:
        """`epmd` on PATH, or Debian's; None when there is none."""
        return shutil.which("epmd") or next((str(path) for path in _DEBIAN_ERLANG.glob("erts-*/bin/epmd")), None)

    @property
    def uri(self) -> str:
        """Where it is reached."""
        return f"epmd://{self.host}:{self.port}"

    def command(self) -> list[str]:
        """See `PrivateServer.command`."""
        if (program := self.executable()) is None:
            raise BackendNotAvailable("epmd", "install Erlang")
        return [program, "-port", str(self.port), "-address", self.host, "-relaxed_command_check"]

    def answers(self) -> bool:
        """Whether it tells its names."""
        try:
            with socket.create_connection((self.host, self.port), timeout=1.0) as line:
                line.sendall(struct.pack(">H", len(_NAMES_REQUEST)) + _NAMES_REQUEST)
                return bool(line.recv(4))
        except OSError:
            return False
