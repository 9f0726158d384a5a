"""How long attempts may take."""

from math import inf
from typing import TYPE_CHECKING, Any, Final

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from aiohttp import ClientTimeout

from fastapi_factory_utilities.core.plugins.aiohttp.attempts import Wait

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.app.configuration.sections.dependencies import HttpServiceDependencyConfig

__all__ = ["Waits"]

# aiohttp rounds longer timeouts up to whole seconds, to have fewer timers; a promise is a promise.
_NEVER_ROUND: Final = inf
# What a service is told of a call without end: a day.
_FOREVER_MS: Final = 86_400_000


class Waits:
    """The timeouts of one service's calls.

    Args:
        config: Its entry.

    Attributes:
        usual: As configured.
        total_seconds: For a whole call, as configured.
        headers: What every session says of the usual one.
    """

    __slots__ = ("_connect_seconds", "_header", "headers", "total_seconds", "usual")

    def __init__(self, config: "HttpServiceDependencyConfig") -> None:
        self._header = config.deadline_header
        self._connect_seconds = config.timeout.connect_seconds
        self.total_seconds: float = config.timeout.total_seconds
        seconds = config.timeout.attempt_seconds
        self.usual: Wait = Wait(self._timeout(seconds), seconds)
        # A header of the session costs a call nothing.
        self.headers: dict[str, str] = {} if self._header is None else {self._header: _milliseconds(seconds)}

    def given(self, timeout: Any) -> Wait:  # noqa: ANN401 - all that aiohttp takes as a timeout
        """Read a timeout that a caller gave; it bounds the whole call and each attempt."""
        if not isinstance(timeout, ClientTimeout):
            timeout = self._timeout(timeout)
        return self._wait(timeout, timeout.total or None)

    def within(self, wait: Wait, seconds: float) -> Wait:
        """Return a wait, or a shorter one when there are fewer seconds left; `inf` is without end."""
        if seconds == inf or (wait.seconds is not None and wait.seconds <= seconds):
            return wait
        timeout = wait.timeout
        shorter = ClientTimeout(
            total=seconds,
            connect=timeout.connect,
            sock_read=timeout.sock_read,
            sock_connect=timeout.sock_connect,
            ceil_threshold=timeout.ceil_threshold,
        )
        return self._wait(shorter, seconds)

    def _timeout(self, seconds: float | None) -> ClientTimeout:
        return ClientTimeout(total=seconds, sock_connect=self._connect_seconds, ceil_threshold=_NEVER_ROUND)

    def _wait(self, timeout: ClientTimeout, seconds: float | None) -> Wait:
        header = None if self._header is None else (self._header, _milliseconds(seconds))
        return Wait(timeout, seconds, header)


def _milliseconds(seconds: float | None) -> str:
    return str(_FOREVER_MS if seconds is None else int(seconds * 1000))
