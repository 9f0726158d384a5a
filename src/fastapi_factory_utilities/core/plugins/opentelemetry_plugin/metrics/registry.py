"""All instruments of one application."""

import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from time import time_ns

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.instruments import (
    DURATION_BOUNDS,
    LightCounter,
    LightHistogram,
)
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.metrics.points import Kind, Measured
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.current import current_span
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.identity import SAMPLED, Identified, parent_of

__all__ = ["LightInstruments", "sampled_ids"]


class LightInstruments:
    """Makes instruments, and hands out what they measured. A name is one instrument, whoever asks for it.

    Attributes:
        started_at: Since when is measured, in nanoseconds since 1970.
    """

    def __init__(self) -> None:
        self.started_at: int = time_ns()
        self._instruments: dict[str, LightCounter | LightHistogram] = {}
        self._lock = threading.Lock()

    def counter(self, name: str, *, unit: str = "1", description: str = "") -> LightCounter:
        """Return the counter of this name; see `Telemetry.counter`.

        Raises:
            ValueError: The name is that of another kind of instrument.
        """
        return self._get(name, Kind.COUNTER, LightCounter, lambda: LightCounter(name, unit, description))

    def up_down_counter(self, name: str, *, unit: str = "1", description: str = "") -> LightCounter:
        """Return the up-down counter of this name; see `Telemetry.up_down_counter`.

        Raises:
            ValueError: The name is that of another kind of instrument.
        """
        return self._get(
            name, Kind.UP_DOWN_COUNTER, LightCounter, lambda: LightCounter(name, unit, description, may_fall=True)
        )

    def histogram(
        self, name: str, *, unit: str = "s", description: str = "", buckets: Sequence[float] | None = None
    ) -> LightHistogram:
        """Return the histogram of this name; see `Telemetry.histogram`.

        Raises:
            ValueError: The name is that of another kind of instrument, or the buckets do not rise.
        """
        bounds = DURATION_BOUNDS if buckets is None else tuple(buckets)
        if any(low >= high for low, high in pairwise(bounds)):
            raise ValueError(f"the buckets of {name!r} must rise: {bounds}")
        return self._get(
            name, Kind.HISTOGRAM, LightHistogram, lambda: LightHistogram(name, unit, description, bounds, sampled_ids)
        )

    def measured(self) -> list[Measured]:
        """Say what was measured so far, where anything was."""
        instruments = tuple(self._instruments.values())
        return [found for each in instruments if (found := each.measured()).numbers or found.histograms]

    def _get[InstrumentT: LightCounter | LightHistogram](
        self, name: str, kind: Kind, wanted: type[InstrumentT], make: Callable[[], InstrumentT]
    ) -> InstrumentT:
        with self._lock:
            found = self._instruments.get(name)
            if found is None:
                made = self._instruments[name] = make()
                return made
        if found.kind is not kind or not isinstance(found, wanted):
            raise ValueError(f"{name!r} is a {found.kind} already: give the {kind} another name")
        return found


def sampled_ids() -> tuple[int, int] | None:
    """Return trace id and span id of the current span, if it is recorded."""
    span = current_span()
    origin = span if isinstance(span, Identified) else parent_of(span)
    return (origin.trace_id, origin.span_id) if origin is not None and origin.flags & SAMPLED else None
