"""How often a worker does what."""

from dataclasses import dataclass

__all__ = ["Timing"]


@dataclass(frozen=True, slots=True)
class Timing:
    """How often a worker does what.

    Attributes:
        visibility_seconds: How long a worker may be silent before its tasks are handed to another.
        patience_seconds: For how long settling a task is tried during an outage.
        answer_seconds: How long one try may take.
        goodbye_seconds: How long giving everything back may take at the end.
    """

    visibility_seconds: float
    patience_seconds: float = 30.0
    answer_seconds: float = 3.0
    goodbye_seconds: float = 1.5

    @property
    def tick_seconds(self) -> float:
        """Between two looks for tasks of silent workers, and for those whose time has come."""
        return min(0.5, self.visibility_seconds / 6)

    @property
    def beat_seconds(self) -> float:
        """Between two signs of life: two may get lost."""
        return self.visibility_seconds / 3

    @property
    def settling_seconds(self) -> float:
        """After an outage everybody has been silent: so long every worker gets for its first sign of life."""
        return self.visibility_seconds / 2

    @property
    def lateness_seconds(self) -> float:
        """How late Redis may get to a command that takes tasks over; one that it finds after a freeze is void."""
        return min(1.0, self.visibility_seconds / 4)
