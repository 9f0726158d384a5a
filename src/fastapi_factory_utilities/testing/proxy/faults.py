"""What can be wrong with a line."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Cut", "Direction", "Faults"]


class Direction(StrEnum):
    """Which way bytes flow."""

    TO_SERVER = "to_server"
    TO_CLIENT = "to_client"
    BOTH = "both"

    def ways(self) -> "tuple[Direction, ...]":
        """The single directions that this one stands for."""
        return (Direction.TO_SERVER, Direction.TO_CLIENT) if self is Direction.BOTH else (self,)


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """The order to close a connection after it carried so many more bytes; each order counts from zero."""

    after_bytes: int


@dataclass(frozen=True, slots=True)
class Faults:
    """Everything that is wrong with one direction of the line; the defaults are a healthy line.

    Attributes:
        frozen: Nothing passes, not even the end of the connection.
        latency_seconds: Every piece arrives that much later; throughput is not limited by it.
        bytes_per_second: The most that one connection carries in a second; None is no limit.
        slice_bytes: Pieces are cut to this size, each its own TCP segment; None leaves them whole.
        close_delay_seconds: How much later the end of the connection is passed on.
        cut: When to close a connection; None is never.
    """

    frozen: bool = False
    latency_seconds: float = 0.0
    bytes_per_second: float | None = None
    slice_bytes: int | None = None
    close_delay_seconds: float = 0.0
    cut: Cut | None = None
