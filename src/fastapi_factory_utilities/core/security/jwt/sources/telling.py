"""What is told of an issuer's keys: in the log, and to whoever observes them."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.security.jwt.sources.errors import KeySourceError

__all__ = ["KeySourceState", "Telling"]

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeySourceState:
    """How an issuer's keys are after a fetch.

    Attributes:
        keys: How many there are to verify tokens with.
        problem: Why they could not be fetched; `None` when they were.
        next_fetch_seconds: When they are fetched again.
    """

    keys: int
    problem: str | None
    next_fetch_seconds: float


class Telling:
    """Tells of an issuer's fetches: of an outage when it begins and when it ends, of a refused key once.

    Args:
        issuer: Whose keys they are.
        told: Called with the state after each fetch.

    Attributes:
        failing_since: When the outage began, on the monotonic clock; `None` while all is well.
    """

    def __init__(self, issuer: str, told: Callable[[KeySourceState], object]) -> None:
        self._issuer = issuer
        self._told = told
        self._refused: frozenset[str] = frozenset()
        self.failing_since: float | None = None

    def fetched(self, keys: int, refused: tuple[str, ...]) -> None:
        """Tell that keys were fetched.

        Args:
            keys: How many.
            refused: Why others were not taken.
        """
        if self.failing_since is not None:
            after = round(time.monotonic() - self.failing_since, 1)
            _log.info("keys fetched again", issuer=self._issuer, keys=keys, after_s=after)
            self.failing_since = None
        for reason in sorted(frozenset(refused) - self._refused):
            _log.warning("key refused", issuer=self._issuer, reason=reason)
        self._refused = frozenset(refused)

    def failed(self, error: Exception, keys: int) -> str:
        """Tell that they could not be fetched, and return why, in words for a person.

        Args:
            error: Why.
            keys: How many are held from before.
        """
        foreseen = isinstance(error, KeySourceError)
        problem = str(error) if foreseen else type(error).__name__
        if self.failing_since is None:
            self.failing_since = time.monotonic()
            cause = None if foreseen else error
            _log.warning("keys not fetched", issuer=self._issuer, reason=problem, keys=keys, exc_info=cause)
        return problem

    def state(self, state: KeySourceState) -> None:
        """Tell the observer."""
        try:
            self._told(state)
        except Exception as error:  # noqa: BLE001 - keys are fetched all the same
            _log.error("key source observer failed", issuer=self._issuer, exc_info=error)
