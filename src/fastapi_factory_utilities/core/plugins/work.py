"""What is being worked on beside requests: messages and tasks, for the report of the drain."""

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Work"]


class Work:
    """Counts units of work by kind; a plugin tells of each, and the drain reports what became of them.

    ::

        with self.context.work.of("messages"):
            await handle(message)  # left by an exception, it counts as given back
    """

    def __init__(self) -> None:
        self._in_flight: dict[str, int] = {}
        self._at_drain: dict[str, int] | None = None
        self._finished: dict[str, int] = {}
        self._given_back: dict[str, int] = {}

    @contextmanager
    def of(self, kind: str) -> Iterator[None]:
        """Count one unit for as long as the body lasts.

        Args:
            kind: What it is, in the plural: `"messages"`, `"tasks"`.
        """
        self._in_flight[kind] = self._in_flight.get(kind, 0) + 1
        outcome = self._given_back
        try:
            yield
            outcome = self._finished
        finally:
            self._in_flight[kind] -= 1
            if self._at_drain is not None:
                outcome[kind] = outcome.get(kind, 0) + 1

    def in_flight(self, kind: str | None = None) -> int:
        """How many units of a kind, or of all kinds, are being worked on."""
        return sum(self._in_flight.values()) if kind is None else self._in_flight.get(kind, 0)

    def begin_drain(self) -> None:
        """Remember what is in flight now; what ends from here on is counted."""
        if self._at_drain is None:
            self._at_drain = {kind: count for kind, count in self._in_flight.items() if count}

    def report(self) -> dict[str, dict[str, int]]:
        """Return, for each kind: `in_flight` when the drain began, and `finished` and `given_back` since.

        A kind that had nothing in flight and finished nothing is left out.
        """
        at_drain = self._at_drain or {}
        left = {kind: count for kind, count in self._in_flight.items() if count}
        kinds = sorted(at_drain.keys() | self._finished.keys() | self._given_back.keys() | left.keys())
        return {
            kind: {
                "in_flight": at_drain.get(kind, 0),
                "finished": self._finished.get(kind, 0),
                "given_back": self._given_back.get(kind, 0) + left.get(kind, 0),
            }
            for kind in kinds
        }
