"""What a fake answers instead of the truth."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["FOREVER_SECONDS", "Order", "Script"]

FOREVER_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Order:
    """How to answer; without a status with the truth, only later.

    Attributes:
        status: The status.
        body: The body: bytes as they are, anything else as JSON.
        headers: More headers.
        after_seconds: How much later to answer.
        path: Which paths it is about: those that begin like this.
    """

    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    after_seconds: float = 0.0
    path: str = "/"


class Script:
    """The order that is in force, for so many requests; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._order: Order | None = None
        self._left: int | None = None

    def set(self, order: Order | None, times: int | None = None) -> None:
        """Put an order in force.

        Args:
            order: The order; `None` is the truth.
            times: For how many requests; `None` is for all.
        """
        with self._lock:
            self._order, self._left = order, times

    def next(self, path: str) -> Order:
        """Return how to answer this request."""
        with self._lock:
            order = self._order
            if order is None or not path.startswith(order.path):
                return Order()
            if self._left is not None:
                self._left -= 1
                if self._left <= 0:
                    self._order = None
            return order
