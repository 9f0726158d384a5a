"""One signal's way from its source to the collector."""

from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import Final, Protocol

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.backoff import Backoff
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.target import Outcome, Signal, Transport
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.voice import Voice

__all__ = ["Lane", "Parcel", "Source"]

_SHORTEST_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Parcel:
    """One encoded request.

    Attributes:
        payload: Its octets.
        items: How many spans, metrics or lines it holds.
    """

    payload: bytes
    items: int


_GREETING: Final = Parcel(b"", 0)


class Source(Protocol):
    """Where a lane's parcels come from. Used by one thread."""

    def due_at(self) -> float:
        """Say when there is something to send, in `time.monotonic`'s seconds; it may be in the past."""
        ...

    def take(self) -> Parcel | None:
        """Make a parcel of what waits; `None` when nothing does."""
        ...

    def has_more(self) -> bool:
        """Say whether a flush has to take again."""
        ...

    def lost(self) -> int:
        """Say how many items were lost on the way here, since it was asked last."""
        ...

    def discard(self) -> int:
        """Throw away what waits; say how many items that is."""
        ...


class Lane:
    """Sends what a source gives, and again what the collector wants again.

    Args:
        signal: What it carries.
        source: Where that comes from.
        transport: What carries it.
        voice: Who is told how it goes.
        timeout_seconds: How long one attempt may take.
        patience_seconds: How long after its first attempt a parcel is given up. The next one waits for its turn all the
            same, while the source drops what it cannot hold.
        greets: Whether it begins with an empty request. After a failure it does so by itself: an idle service would not
            notice else that its collector is back.

    Attributes:
        sent: How many items the collector took.
        lost: How many are gone for good.
    """

    def __init__(
        self,
        signal: Signal,
        source: Source,
        transport: Transport,
        voice: Voice,
        *,
        timeout_seconds: float,
        patience_seconds: float,
        greets: bool = False,
    ) -> None:
        self.sent: int = 0
        self.lost: int = 0
        self.transport = transport
        self._signal = signal
        self._source = source
        self._voice = voice
        self._timeout = timeout_seconds
        self._patience = patience_seconds
        self._backoff = Backoff()
        self._parcel: Parcel | None = None
        self._give_up_at = inf
        self._not_before = 0.0
        self._greets = greets

    def next_at(self) -> float:
        """Say when there is something to do, in `time.monotonic`'s seconds."""
        if self._parcel is not None or self._greets:
            return self._not_before
        return max(self._source.due_at(), self._not_before)

    def step(self, now: float, *, before: float = inf, flushing: bool = False) -> bool:
        """Send one parcel, if it is time.

        Args:
            now: The time, as `time.monotonic` has it.
            before: When an answer is of no use any more.
            flushing: Whether it is always time; then a parcel has another attempt only where the collector itself says
                when.

        Returns:
            Whether another step may follow at once.
        """
        if not flushing and self.next_at() > now:
            self._count_lost()
            return False
        if self._parcel is None:
            self._parcel = self._take(now, flushing=flushing)
            self._give_up_at = now + self._patience
        self._count_lost()
        if self._parcel is None:
            return False
        timeout = max(_SHORTEST_SECONDS, min(self._timeout, before - now))
        outcome = self.transport.send(self._parcel.payload, timeout)
        give_up_at = before if flushing else self._give_up_at
        return self._settle(self._parcel, outcome, give_up_at=give_up_at, flushing=flushing)

    @property
    def waits_until(self) -> float | None:
        """When the parcel that failed is tried again; `None` if there is none."""
        return None if self._parcel is None else self._not_before

    def abandon(self) -> None:
        """Count everything that is still here as lost: there is no time left."""
        left = self._source.discard()
        if self._parcel is not None:
            left += self._parcel.items
            self._parcel = None
        self._count_lost()
        self._drop(left, "the service stopped before it was sent")

    def _take(self, now: float, *, flushing: bool) -> Parcel | None:
        if flushing or self._source.due_at() <= now:
            parcel = self._source.take()
            if parcel is not None or flushing:
                return parcel
        return _GREETING if self._greets else None

    def _settle(self, parcel: Parcel, outcome: Outcome, *, give_up_at: float, flushing: bool) -> bool:
        if outcome.taken:
            self._parcel, self._not_before, self._greets = None, 0.0, False
            self._backoff.succeed()
            self.sent += parcel.items - outcome.rejected
            if outcome.rejected:
                self._drop(outcome.rejected, f"rejected by the collector: {outcome.reason}")
            self._voice.succeeded(self._signal)
            return not flushing or self._source.has_more()
        wait = self._backoff.fail(outcome.wait_seconds)
        self._not_before = monotonic() + wait
        self._voice.failed(self._signal, outcome.reason, wait)
        hopeless = not outcome.again or (flushing and outcome.wait_seconds is None)
        if hopeless or self._not_before > give_up_at:
            self._parcel, self._greets = None, True
            self._drop(parcel.items, outcome.reason)
        return False

    def _count_lost(self) -> None:
        lost = self._source.lost()
        if lost:
            self._drop(lost, "the queue was full")

    def _drop(self, items: int, reason: str) -> None:
        if items:
            self.lost += items
            self._voice.lost(self._signal, items, reason)
