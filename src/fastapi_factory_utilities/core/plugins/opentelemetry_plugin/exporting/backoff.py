"""When to try again: later each time, never together with the others, never sooner than the collector wants."""

from random import uniform
from typing import Final

__all__ = ["Backoff"]

_FIRST_SECONDS: Final = 0.5
_LONGEST_SECONDS: Final = 15.0
_LONGEST_WISH_SECONDS: Final = 300.0


class Backoff:
    """Counts failures in a row, and says how long to wait after each."""

    __slots__ = ("_failures",)

    def __init__(self) -> None:
        self._failures = 0

    def succeed(self) -> None:
        """Forget the failures."""
        self._failures = 0

    def fail(self, wish_seconds: float | None = None) -> float:
        """Count one failure.

        Args:
            wish_seconds: When the collector wants to be asked again.

        Returns:
            Seconds to wait: 0.5, doubled with each failure up to 15, less up to a half; the collector's wish if that is
            longer, up to 5 minutes, and up to a tenth more, so that not all come at once.
        """
        longest = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0 ** min(self._failures, 10))
        ours = longest * uniform(0.5, 1.0)  # noqa: S311 - no secret
        self._failures += 1
        if wish_seconds is None:
            return ours
        return max(ours, min(wish_seconds, _LONGEST_WISH_SECONDS) * uniform(1.0, 1.1))  # noqa: S311 - no secret
