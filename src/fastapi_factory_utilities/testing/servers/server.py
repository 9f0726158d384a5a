"""What a test may ask of any backend, wherever it runs."""

import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from fastapi_factory_utilities.testing.servers.errors import ServerError

__all__ = ["Server"]

_POLL_SECONDS = 0.02


class Server(ABC):
    """A backend: started by `with`, reached by its `uri`, stopped at the end.

    Everything is synchronous and returns when it is done, so it serves any kind of test. Methods that take control of
    the process (`kill`, `restart`, `freeze`, `thaw`) need a server that is ours: see `controllable`.

    Args:
        deadline_seconds: How long it may take to answer after it was started.
    """

    backend: ClassVar[str]
    controllable: ClassVar[bool] = True

    def __init__(self, *, deadline_seconds: float = 60.0) -> None:
        self.deadline_seconds = deadline_seconds

    @property
    @abstractmethod
    def uri(self) -> str:
        """Where it is reached."""

    def uri_for(self, database: str) -> str:
        """Where a database of that name is reached."""
        parts = urlsplit(self.uri)
        query = dict(parse_qsl(parts.query))
        named = parts.path.strip("/")
        if parts.scheme.startswith("mongodb") and parts.username and named:
            # The path also names where the user is known, unless authSource does (MongoDB's connection strings).
            query.setdefault("authSource", named)
        return urlunsplit(parts._replace(path=f"/{database}", query=urlencode(query)))

    @abstractmethod
    def start(self) -> None:
        """Start it, and return when it answers; starting it again after `stop()` or `kill()` keeps port and data.

        Raises:
            ServerError: When it does not answer in time; with the end of its log.
        """

    @abstractmethod
    def stop(self) -> None:
        """Stop it as its own tools would; its data and its port are kept. Doing it twice does nothing."""

    def close(self) -> None:
        """Stop it, and remove what it left behind."""
        self.stop()

    @abstractmethod
    def kill(self) -> None:
        """End it at once, as `kill -9` does; return when it is gone."""

    def restart(self) -> None:
        """Stop it if it runs, and start it again with the same port and data."""
        self.stop()
        self.start()

    @abstractmethod
    def freeze(self) -> None:
        """Let it hang: connections stay, nothing is answered."""

    @abstractmethod
    def thaw(self) -> None:
        """Let it carry on after `freeze()`."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it answers a real question now, asked with a short deadline."""

    def wait_until_answers(self, deadline_seconds: float | None = None) -> None:
        """Return as soon as it answers.

        Raises:
            ServerError: When it does not within the deadline (default: `deadline_seconds` of the constructor).
        """
        seconds = self.deadline_seconds if deadline_seconds is None else deadline_seconds
        deadline = time.monotonic() + seconds
        while not self.answers():
            self._check_alive()
            if time.monotonic() > deadline:
                raise ServerError(f"{self.backend} does not answer after {seconds:g} s{self._told()}")
            time.sleep(_POLL_SECONDS)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _check_alive(self) -> None:  # noqa: B027 - a server that is not ours has no process to look at
        """Raise when it is certain that it will never answer."""

    def _told(self) -> str:
        """What it told last, to end an error's sentence with."""
        return ""
