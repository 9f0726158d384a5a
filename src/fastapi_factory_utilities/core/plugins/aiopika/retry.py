"""When a message that failed is tried again, and when it is given up."""

import math
from dataclasses import dataclass
from typing import Final

__all__ = ["NO_RETRY", "RetryPolicy", "rounded_up"]

_LONGEST_SECONDS: Final = 7 * 24 * 3600.0
_DIGITS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a message is tried, and how long each time is waited before.

    The defaults try five times, after 1, 5, 25 and 125 s: a backend may be away for two and a half minutes before
    messages are given up. Messages that wait are kept by the broker, in one queue for each delay.

    Attributes:
        attempts: How often the handler gets a message, the first time included; 1 never tries again.
        first_delay_seconds: Before the second attempt.
        factor: What every further delay is multiplied by.
        max_delay_seconds: No delay is longer.

    Raises:
        ValueError: One of them makes no sense.
    """

    attempts: int = 5
    first_delay_seconds: float = 1.0
    factor: float = 5.0
    max_delay_seconds: float = 3600.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"attempts must be 1 or more, not {self.attempts}")
        if not 0.001 <= self.first_delay_seconds <= _LONGEST_SECONDS:  # noqa: PLR2004 - a millisecond, AMQP's unit
            raise ValueError("first_delay_seconds must be between 0.001 and a week")
        if not self.first_delay_seconds <= self.max_delay_seconds <= _LONGEST_SECONDS:
            raise ValueError("max_delay_seconds must be between first_delay_seconds and a week")
        if not 1.0 <= self.factor < math.inf:
            raise ValueError("factor must be 1 or more")

    def delay_after(self, attempt: int) -> float | None:
        """Return how long to wait after an attempt that failed, in seconds; None when it was the last.

        Args:
            attempt: Counted from 1.
        """
        if attempt >= self.attempts:
            return None
        longest = math.log(_LONGEST_SECONDS / 0.001)
        # A power of a large attempt would overflow.
        steps = min(attempt - 1, math.ceil(longest / math.log(self.factor)) if self.factor > 1.0 else 0)
        return rounded_up(min(self.first_delay_seconds * self.factor**steps, self.max_delay_seconds))

    @property
    def delays(self) -> tuple[float, ...]:
        """All the delays that it asks for, in seconds, shortest first."""
        found: dict[float, None] = {}
        for attempt in range(1, self.attempts):
            delay = self.delay_after(attempt)
            if delay is None or delay in found:
                break
            found[delay] = None
        return tuple(found)


NO_RETRY: Final = RetryPolicy(attempts=1)
"""A message that fails once is given up."""


def rounded_up(seconds: float) -> float:
    """Round a delay up to two significant digits, and to whole milliseconds.

    Every delay is a queue: so there are few of them, whatever is asked for.
    """
    milliseconds = math.ceil(min(max(seconds, 0.001), _LONGEST_SECONDS) * 1000 - 1e-6)
    unit: int = 10 ** max(0, len(str(milliseconds)) - _DIGITS)
    return -(-milliseconds // unit) * unit / 1000
