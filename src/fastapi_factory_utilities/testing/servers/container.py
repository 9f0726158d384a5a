"""A backend in a container, where there is a Docker engine (NFR19)."""

import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from fastapi_factory_utilities.testing.ports import ReservedPort
from fastapi_factory_utilities.testing.servers.errors import ServerError
from fastapi_factory_utilities.testing.servers.server import Server

__all__ = ["ContainerServer", "docker_answers"]

_KNOCK_SECONDS = 2.0


def docker_answers() -> bool:
    """Whether testcontainers is installed and a Docker engine answers where it would look for one."""
    try:
        from testcontainers.core.docker_client import get_docker_host  # noqa: PLC0415 - optional, and slow to import
    except ImportError:
        return False
    engine = urlsplit(get_docker_host() or "unix:///var/run/docker.sock")
    # Knocked on with a plain socket: the client library leaves its own open when there is no engine.
    try:
        if engine.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as knock:
                knock.connect(engine.path)
        elif engine.hostname and engine.port:
            socket.create_connection((engine.hostname, engine.port), timeout=_KNOCK_SECONDS).close()
    except OSError:
        return False
    return True


class ContainerServer(Server):
    """A container of testcontainers, as a `Server`; its own reaper removes it when this process is gone.

    Args:
        backend: What it is, such as `MongoDB`.
        image: The image.
        port: The port that it listens on inside.
        uri: Makes the URI of a host and a port.
        answers: Whether the server at a host and a port answers.
        command: The command instead of the image's.
        environment: Its environment.
    """

    def __init__(
        self,
        backend: str,
        image: str,
        *,
        port: int,
        uri: Callable[[str, int], str],
        answers: Callable[[str, int], bool],
        command: str | None = None,
        environment: dict[str, str] | None = None,
        deadline_seconds: float = 120.0,
    ) -> None:
        super().__init__(deadline_seconds=deadline_seconds)
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - optional, and slow to import

        self.backend = backend  # type: ignore[misc]  # any backend can be in a container
        # The engine gives a restarted container another port unless it was told which.
        reserved = ReservedPort()
        self._port = reserved.port
        reserved.release()
        self._uri = uri
        self._answers = answers
        self._container = DockerContainer(image).with_bind_ports(port, self._port)
        for name, value in (environment or {}).items():
            self._container.with_env(name, value)
        if command is not None:
            self._container.with_command(command)
        self._exists = False

    @property
    def host(self) -> str:
        """The engine's host."""
        return str(self._container.get_container_host_ip())

    @property
    def uri(self) -> str:
        """Where it is reached."""
        return self._uri(self.host, self._port)

    def start(self) -> None:
        """See `Server.start`."""
        if self._exists:
            self._engine().start()
        else:
            self._container.start()
            self._exists = True
        self.wait_until_answers()

    def stop(self) -> None:
        """See `Server.stop`."""
        if self._exists:
            self._engine().stop()

    def close(self) -> None:
        """Remove the container."""
        if self._exists:
            self._container.stop()
            self._exists = False

    def kill(self) -> None:
        """See `Server.kill`."""
        self._engine().kill()

    def freeze(self) -> None:
        """See `Server.freeze`."""
        self._engine().pause()

    def thaw(self) -> None:
        """See `Server.thaw`."""
        self._engine().unpause()

    def answers(self) -> bool:
        """See `Server.answers`."""
        return self._answers(self.host, self._port)

    def _engine(self) -> Any:  # noqa: ANN401 - docker has no types
        if not self._exists:
            raise ServerError(f"{self.backend} does not run: start it first")
        return self._container.get_wrapped_container()
