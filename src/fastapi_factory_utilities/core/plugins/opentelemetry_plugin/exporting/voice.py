"""What is told of exporting: in the health of the service always, in the log now and then."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.target import Signal
from fastapi_factory_utilities.core.redaction import redact
from fastapi_factory_utilities.core.services.status import HealthStatusEnum, ReadinessStatusEnum, Status

__all__ = ["Voice"]

_log = get_logger(__name__)

_REMINDER_SECONDS: Final = 60.0
_WINDOW_SECONDS: Final = 60.0
# In a window; the promise is ten lines. A change of health is two, the collector's and the service's.
_LINES: Final = 6
_CHANGES: Final = 2
_WELL: Final = Status(HealthStatusEnum.HEALTHY, ReadinessStatusEnum.READY)


@dataclass(slots=True)
class _State:
    failing_since: float | None = None
    reason: str = ""
    lost: int = 0
    told_at: float = field(default=float("-inf"))


class Voice:
    """Hears how exports go and says what a person needs to know. For the exporting thread.

    Args:
        report: Takes the component's status whenever it may have changed.
    """

    def __init__(self, report: Callable[[Status], object]) -> None:
        self._report = report
        self._states = {signal: _State() for signal in Signal}
        self._lines: deque[float] = deque()
        self._changes: deque[float] = deque()
        self._reached = False
        self._trouble: tuple[str, datetime | None] = ("", None)
        self._shown: bool | None = None  # whether as well; None as long as it was never reached

    @property
    def is_well(self) -> bool:
        """Whether the collector was reached, and took the last of every signal."""
        return self._reached and not any(state.failing_since is not None for state in self._states.values())

    def succeeded(self, signal: Signal) -> None:
        """Hear that the collector took something."""
        state = self._states[signal]
        was_well, self._reached = self.is_well, True
        if state.failing_since is not None:
            lasted = monotonic() - state.failing_since
            state.failing_since = None
            if self._may_speak():
                lost, state.lost = state.lost, 0
                _log.info("telemetry export recovered", signal=signal.value, seconds=round(lasted, 1), lost=lost)
                state.told_at = monotonic()
        if not was_well and self.is_well:
            self._show()

    def failed(self, signal: Signal, reason: str, wait_seconds: float) -> None:
        """Hear that it did not, and when it is asked again."""
        state, reason = self._states[signal], redact(reason)
        state.reason = reason
        if state.failing_since is None:
            state.failing_since = monotonic()
            if self._may_speak():
                _log.warning("telemetry export failing", signal=signal.value, reason=reason)
                state.told_at = monotonic()
        again = datetime.now(UTC) + timedelta(seconds=wait_seconds)
        self._trouble = f"{signal.value}: {reason}", again
        self._show()

    def lost(self, signal: Signal, items: int, reason: str) -> None:
        """Hear that something is gone for good."""
        state = self._states[signal]
        state.lost += items
        state.reason = redact(reason)

    def remind(self, *, last: bool = False) -> None:
        """Tell what was lost since it was told last, once a minute; at the end of everything, at once."""
        if self._reached and self.is_well is not self._shown:
            self._show()
        now = monotonic()
        for signal, state in self._states.items():
            due = last or now - state.told_at >= _REMINDER_SECONDS
            if state.lost and due and self._may_speak():
                _log.warning("telemetry lost", signal=signal.value, items=state.lost, reason=state.reason)
                state.lost, state.told_at = 0, now

    def _show(self) -> None:
        """Report the health; a change may have to wait, because it is told in the log. To be found well is none."""
        well = self.is_well
        changes = self._shown is not well and self._reached and (self._shown is not None or not well)
        if changes and not _fits(self._changes, _CHANGES):
            return
        self._shown = well if self._reached else None
        reason, again = self._trouble
        self._report(
            _WELL
            if well
            else Status(
                HealthStatusEnum.UNHEALTHY,
                ReadinessStatusEnum.NOT_READY,
                reason,
                again,
                starting=not self._reached,
            )
        )

    def _may_speak(self) -> bool:
        return _fits(self._lines, _LINES)


def _fits(times: deque[float], most: int) -> bool:
    """Say whether one more fits into the window, and count it."""
    now = monotonic()
    while times and now - times[0] > _WINDOW_SECONDS:
        times.popleft()
    if len(times) >= most:
        return False
    times.append(now)
    return True
