"""How often a task is tried, and how long is waited between two attempts."""

import random
from dataclasses import dataclass

__all__ = ["RetryPolicy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When a failed task is tried again; after the last attempt it is parked among the dead letters.

    The wait doubles from attempt to attempt. It is spent in Redis, not in a worker.

    Attributes:
        max_attempts: How often in all; 1 is never again.
        base_seconds: The wait after the first attempt.
        max_seconds: The longest wait.
        jitter: Which part of a wait is left to chance, from 0 (none) to 1 (all), so that tasks that failed together
            are not tried again together.
        retry_on: The errors that another attempt may mend; all others park the task at once.

    Raises:
        ValueError: A number makes no sense.
    """

    max_attempts: int = 4
    base_seconds: float = 1.0
    max_seconds: float = 300.0
    jitter: float = 0.2
    retry_on: tuple[type[Exception], ...] = (Exception,)

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError("max_attempts must be at least 1: the first one counts")
        if not 0 <= self.base_seconds <= self.max_seconds:
            raise ValueError("base_seconds must be between 0 and max_seconds")
        if not 0 <= self.jitter <= 1:
            raise ValueError("jitter must be between 0 and 1")

    def tries_again(self, error: BaseException, attempt: int) -> bool:
        """Whether a task that failed with this error in this attempt, counted from 1, gets another."""
        return attempt < self.max_attempts and isinstance(error, self.retry_on)

    def wait_seconds(self, attempt: int) -> float:
        """How long to wait after this attempt, counted from 1."""
        wait = min(self.max_seconds, self.base_seconds * 2.0 ** min(attempt - 1, 60))
        # Chance that spreads load, nothing to guess.
        return wait * (1 - self.jitter * random.random())  # noqa: S311 - see above
