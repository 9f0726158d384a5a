"""How many attempts may be repeated, of all that are made."""

import time
from collections.abc import Callable
from typing import Final

__all__ = ["RetryBudget"]

_REFILLED_AFTER_SECONDS: Final = 60.0


class RetryBudget:
    """Lets few repetitions happen for many calls, so that an outage is not made worse by those who ask again.

    Each call puts `ratio` into it, each repetition takes 1 out; it holds no more than `reserve`, which is there at the
    beginning and comes back by itself in an idle minute. In an outage of everything, N calls in T seconds make no more
    than N + ratio * N + reserve * (1 + T / 60) attempts.

    Args:
        ratio: What each call puts in.
        reserve: The most that it holds.
        clock: Seconds.
    """

    __slots__ = ("_clock", "_left", "_per_second", "_ratio", "_reserve", "_since")

    def __init__(self, ratio: float, reserve: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ratio = ratio
        self._reserve = reserve
        self._left = reserve
        self._per_second = reserve / _REFILLED_AFTER_SECONDS
        self._clock = clock
        self._since = clock()

    def deposit(self) -> None:
        """Count a call."""
        if self._left < self._reserve:
            self._left = min(self._reserve, self._left + self._ratio)

    def withdraw(self) -> bool:
        """Take a repetition out, and say whether there was one."""
        now = self._clock()
        self._left = min(self._reserve, self._left + (now - self._since) * self._per_second)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
