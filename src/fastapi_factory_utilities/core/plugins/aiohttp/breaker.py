"""The circuit breaker: a service that fails is left alone for a while, then one call tries."""

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.app.configuration.sections.resilience import HttpBreakerConfig

__all__ = ["CircuitBreaker"]

# The window slides in steps of this part of it.
_STEPS: Final = 10


class CircuitBreaker:
    """Counts how attempts end, and opens when too many of them fail.

    Closed, everything passes. Open, nothing does, until `open_seconds` have passed; then one attempt passes, the probe,
    and its end closes the circuit or opens it again. A probe that was given up makes room for the next.

    An attempt gets a ticket from `enter`, and gives it back with its end; those that began before the circuit last
    opened or closed count no more.

    Args:
        config: The entry's part `breaker`.
        on_open: Told when it opens: the failures and the attempts counted, and the seconds until a probe.
        on_close: Told when it closes.
        clock: Seconds.
    """

    __slots__ = (
        *("_attempts", "_clock", "_config", "_failures", "_generation", "_on_close", "_on_open", "_open_until"),
        *("_probing", "_step", "_step_ends", "_steps"),
    )

    def __init__(
        self,
        config: "HttpBreakerConfig",
        *,
        on_open: Callable[[int, int, float], object] = lambda _failures, _attempts, _seconds: None,
        on_close: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._on_open = on_open
        self._on_close = on_close
        self._clock = clock
        self._generation = 0
        self._open_until: float | None = None
        self._probing = False
        self._forget()

    @property
    def is_open(self) -> bool:
        """Whether calls fail at once, but for the probe."""
        return self._open_until is not None

    @property
    def seconds_until_probe(self) -> float:
        """How long nothing passes any more; 0 when the next attempt may be the probe."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - self._clock())

    def enter(self) -> int | None:
        """Let an attempt pass, and return its ticket; `None` when it may not."""
        if self._open_until is not None:
            if self._probing or self._clock() < self._open_until:
                return None
            self._probing = True
        return self._generation

    def succeeded(self, ticket: int) -> None:
        """Count an attempt that was answered."""
        if ticket != self._generation:
            return
        if self._open_until is not None:
            self._open_until = None
            self._change()
            self._on_close()
            return
        self._slide()
        self._step[0] += 1
        self._attempts += 1

    def failed(self, ticket: int) -> None:
        """Count an attempt that was not answered, or with an error that is the service's fault."""
        if ticket != self._generation:
            return
        if self._open_until is not None:
            self._open(1, 1)
            return
        self._slide()
        self._step[0] += 1
        self._step[1] += 1
        self._attempts += 1
        self._failures += 1
        enough = self._attempts >= self._config.minimum_attempts
        if enough and self._failures >= self._attempts * self._config.failure_ratio:
            self._open(self._failures, self._attempts)

    def abandoned(self, ticket: int) -> None:
        """Take back an attempt that ended for reasons of the caller's."""
        if ticket == self._generation:
            self._probing = False

    def _open(self, failures: int, attempts: int) -> None:
        seconds = self._config.open_seconds
        self._open_until = self._clock() + seconds
        self._change()
        self._on_open(failures, attempts, seconds)

    def _change(self) -> None:
        self._generation += 1
        self._probing = False
        self._forget()

    def _forget(self) -> None:
        self._attempts = self._failures = 0
        # Each step has its attempts and its failures.
        self._step: list[int] = [0, 0]
        self._steps: deque[list[int]] = deque([self._step])
        self._step_ends = self._clock() + self._config.window_seconds / _STEPS

    def _slide(self) -> None:
        """Forget what is older than the window."""
        now = self._clock()
        if now < self._step_ends:
            return
        length = self._config.window_seconds / _STEPS
        passed = 1 + int((now - self._step_ends) / length)
        self._step_ends += passed * length
        if passed >= _STEPS:
            self._forget()
            return
        for _ in range(passed):
            self._step = [0, 0]
            self._steps.append(self._step)
            if len(self._steps) > _STEPS:
                attempts, failures = self._steps.popleft()
                self._attempts -= attempts
                self._failures -= failures
