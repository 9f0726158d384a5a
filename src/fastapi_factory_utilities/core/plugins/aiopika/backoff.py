"""Pauses between attempts: each twice as long as the one before, and never the same for all."""

import random
from dataclasses import dataclass
from typing import Final

__all__ = ["Backoff"]

_MOST_DOUBLINGS: Final = 30


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the next attempt.

    Attributes:
        base_seconds: The first pause.
        max_seconds: No pause is longer.
    """

    base_seconds: float
    max_seconds: float

    def pause(self, failures: int) -> float:
        """Return seconds to wait after so many failures in a row.

        Jitter takes up to half of it, so that a fleet whose broker was restarted does not come back as one.

        Args:
            failures: Counted from 1.
        """
        whole = min(self.base_seconds * 2.0 ** min(failures - 1, _MOST_DOUBLINGS), self.max_seconds)
        return whole * random.uniform(0.5, 1.0)  # noqa: S311 - nothing to be guessed
