"""PostgreSQL."""

import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
from pathlib import Path
from typing import ClassVar

from fastapi_factory_utilities.testing.servers.errors import BackendNotAvailable, ServerError
from fastapi_factory_utilities.testing.servers.private import PrivateServer

__all__ = ["PostgresServer", "postgres_answers", "postgres_uri"]

_PROTOCOL_3 = 196608
_DEBIAN_PROGRAMS = Path("/usr/lib/postgresql")
_SYSTEM_USER = "postgres"


def postgres_answers(host: str, port: int) -> bool:
    """Whether a PostgreSQL lets its superuser in: it also answers, with an error, while it recovers."""
    # StartupMessage (PostgreSQL manual, "Message Formats"): length, protocol, parameters, and a closing zero.
    parameters = b"user\0postgres\0database\0postgres\0\0"
    question = struct.pack("!ii", len(parameters) + 8, _PROTOCOL_3) + parameters
    try:
        with socket.create_connection((host, port), timeout=1.0) as connection:
            connection.sendall(question)
            return connection.recv(1) == b"R"
    except OSError:
        return False


def postgres_uri(host: str, port: int) -> str:
    """The URI of the superuser's database."""
    return f"postgresql://postgres@{host}:{port}/postgres"


class PostgresServer(PrivateServer):
    """PostgreSQL with one superuser, `postgres`, who needs no password on loopback.

    It refuses to run as root, so as root it runs as the system user `postgres`.
    """

    backend: ClassVar[str] = "PostgreSQL"
    # A "fast" shutdown: open sessions are ended (PostgreSQL manual, "Shutting Down the Server").
    stop_signal = signal.SIGINT

    @classmethod
    def programs(cls) -> Path | None:
        """The folder with `initdb` and `postgres`: Debian's newest, or the one on PATH; None when there is none."""
        versions = [path.parent for path in _DEBIAN_PROGRAMS.glob("*/bin/initdb")]
        if versions:
            return max(versions, key=lambda folder: float(folder.parent.name))
        on_path = shutil.which("initdb")
        return Path(on_path).parent if on_path else None

    @property
    def uri(self) -> str:
        """Where it is reached, with the database `postgres`."""
        return postgres_uri(self.host, self.port)

    @property
    def data(self) -> Path:
        """Where its data is."""
        return self.folder / "data"

    def user(self) -> str | None:
        """See `PrivateServer.user`."""
        return _SYSTEM_USER if os.geteuid() == 0 else None

    def prepare(self) -> None:
        """Make a database cluster, the first time."""
        if (self.data / "PG_VERSION").exists():
            return
        if (user := self.user()) is not None:
            owner = self._system_user(user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        program, data = str(self._programs() / "initdb"), str(self.data)
        made = subprocess.run(  # noqa: S603 - the server's own program
            [program, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale", "C", "--no-sync"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            user=user,
            group=user,
            extra_groups=[] if user else None,
            check=False,
        )
        if made.returncode:
            raise ServerError(f"PostgreSQL's initdb failed with exit status {made.returncode}:\n{made.stderr}")

    def command(self) -> list[str]:
        """See `PrivateServer.command`; it survives its own death, not the machine's, which tests do not cause."""
        settings = {"listen_addresses": self.host, "unix_socket_directories": "", "fsync": "off", "max_connections": 50}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self._programs() / "postgres"), "-D", str(self.data), "-p", str(self.port), *options]

    def answers(self) -> bool:
        """Whether it lets us in."""
        return postgres_answers(self.host, self.port)

    def close(self) -> None:
        """Stop it and remove it, with the shared memory that a killed server leaves behind."""
        memory = self._shared_memory()
        super().close()
        if memory and (ipcrm := shutil.which("ipcrm")):
            subprocess.run([ipcrm, "-m", memory], capture_output=True, check=False)  # noqa: S603 - an id from its file

    def _shared_memory(self) -> str | None:
        """The id of its shared memory segment, when it was killed: a clean stop removes file and segment."""
        self.stop()
        try:
            key_and_id = (self.folder / "data" / "postmaster.pid").read_text().splitlines()[6]
        except (OSError, IndexError):
            return None
        return key_and_id.split()[1]

    def _programs(self) -> Path:
        if (folder := self.programs()) is None:
            raise BackendNotAvailable("PostgreSQL", "install PostgreSQL's server")
        return folder

    def _system_user(self, name: str) -> pwd.struct_passwd:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            raise ServerError(
                f"PostgreSQL does not run as root, and there is no user {name!r}: make one, or be another user"
            ) from None
