"""A backend that somebody else runs."""

import socket
from urllib.parse import urlsplit

from fastapi_factory_utilities.testing.servers.errors import ServerError
from fastapi_factory_utilities.testing.servers.server import Server

__all__ = ["ExternalServer"]


class ExternalServer(Server):
    """A server named by a URI from the environment: it can be used, and neither started nor harmed.

    Args:
        backend: What it is, such as `MongoDB`.
        uri: Where it is.
        variable: The environment variable that the URI comes from, for errors.
        default_port: The port of a URI that names none.
    """

    controllable = False

    def __init__(
        self, backend: str, uri: str, *, variable: str, default_port: int, deadline_seconds: float = 10.0
    ) -> None:
        super().__init__(deadline_seconds=deadline_seconds)
        self.backend = backend  # type: ignore[misc]  # any backend can be somebody else's
        self._uri = uri
        self._variable = variable
        self._default_port = default_port

    @property
    def uri(self) -> str:
        """The given URI."""
        return self._uri

    def start(self) -> None:
        """Wait until somebody listens there.

        Raises:
            ServerError: When nobody does: a URL was set, so the tests were meant to run.
        """
        self.wait_until_answers()

    def stop(self) -> None:
        """Leave it as it is."""

    def kill(self) -> None:
        """Refuse."""
        raise self._not_ours("kill")

    def restart(self) -> None:
        """Refuse."""
        raise self._not_ours("restart")

    def freeze(self) -> None:
        """Refuse."""
        raise self._not_ours("freeze")

    def thaw(self) -> None:
        """Refuse."""
        raise self._not_ours("thaw")

    def answers(self) -> bool:
        """Whether somebody listens on the first host of the URI; a name that is looked up by SRV is believed."""
        parts = urlsplit(self._uri)
        if parts.scheme.endswith("+srv"):
            return True
        first = urlsplit(f"//{parts.netloc.rpartition('@')[2].split(',')[0]}")
        try:
            socket.create_connection((first.hostname or "", first.port or self._default_port), timeout=1.0).close()
        except OSError:
            return False
        return True

    def _told(self) -> str:
        return f": {self._variable} names a server that cannot be reached; start it, or unset the variable"

    def _not_ours(self, verb: str) -> ServerError:
        return ServerError(
            f"cannot {verb} the {self.backend} of {self._variable}: it is not ours; "
            "unset the variable, or put a FaultProxy in front of it"
        )
