"""When an issuer's keys are fetched: ahead of time, sooner after a failure, and rarely because of an unknown `kid`."""

import random
from collections.abc import Callable
from typing import Final

__all__ = ["Schedule", "UnknownKidGate"]

_SOONEST_SECONDS: Final = 30.0
_FIRST_RETRY_SECONDS: Final = 0.5
_LAST_RETRY_SECONDS: Final = 5.0
# Instances that were started together are not to ask together for ever.
_EARLY: Final = 0.8


class Schedule:
    """Says how long to wait for the next fetch.

    Args:
        refresh_seconds: Between two fetches that succeed, at most.
        spread: Returns a random part between 0 and 1.
    """

    __slots__ = ("_failures", "_refresh_seconds", "_spread")

    def __init__(self, refresh_seconds: float, *, spread: Callable[[], float] = random.random) -> None:
        self._refresh_seconds = refresh_seconds
        self._spread = spread
        self._failures = 0

    def succeeded(self, max_age_seconds: float | None) -> float:
        """Return the seconds until the next fetch after one that succeeded.

        Args:
            max_age_seconds: For how long the provider says that its answer is fresh (RFC 9111, section 5.2.2.1), if it
                does. Less than 30 s is not taken to heart, nor more than the configured time.
        """
        self._failures = 0
        seconds = self._refresh_seconds
        if max_age_seconds is not None:
            seconds = min(seconds, max(max_age_seconds, _SOONEST_SECONDS))
        return self._some_earlier(seconds)

    def failed(self) -> float:
        """Return the seconds until the next attempt after one that failed: 0.5, twice as many each time, up to 5."""
        # Not a power that grows without an end.
        seconds = min(_LAST_RETRY_SECONDS, _FIRST_RETRY_SECONDS * 2 ** min(self._failures, 10))
        self._failures += 1
        return self._some_earlier(seconds)

    def _some_earlier(self, seconds: float) -> float:
        return seconds * (_EARLY + (1 - _EARLY) * self._spread())


class UnknownKidGate:
    """Lets one fetch pass in so many seconds, however many tokens name keys that nobody knows.

    Args:
        seconds: Between two of them.
        clock: Seconds.
    """

    __slots__ = ("_clock", "_opens_at", "_seconds")

    def __init__(self, seconds: float, *, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._opens_at: float | None = None

    def passes(self) -> bool:
        """Whether a fetch may be made now; if so, it is the only one for a while."""
        now = self._clock()
        if self._opens_at is not None and now < self._opens_at:
            return False
        self._opens_at = now + self._seconds
        return True
