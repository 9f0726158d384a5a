"""Whether a trace is recorded: decided once, from its id and its parent, before it costs anything."""

from dataclasses import dataclass
from functools import cache
from typing import Final

__all__ = ["Sampling"]

_RANDOM_PART: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Sampling:
    """Records a share of the traces; the same share in every service, since it depends on the trace's id alone.

    The bound is computed as OpenTelemetry's SDKs do, so that services that use those agree.

    Attributes:
        ratio: The share that is recorded, 0 to 1.
        parent_based: Whether a trace that was begun elsewhere is recorded if, and only if, it is recorded there.
    """

    ratio: float = 1.0
    parent_based: bool = True

    def decide(self, trace_id: int, parent_sampled: bool | None) -> bool:  # noqa: FBT001 - a fact, not an option
        """Say whether to record.

        Args:
            trace_id: The trace.
            parent_sampled: What the parent decided; `None` for a trace that begins here.
        """
        if parent_sampled is not None and self.parent_based:
            return parent_sampled
        ratio = self.ratio
        if ratio >= 1.0:
            return True
        return trace_id & _RANDOM_PART < _bound(ratio)


@cache
def _bound(ratio: float) -> int:
    return round(ratio * (_RANDOM_PART + 1))
