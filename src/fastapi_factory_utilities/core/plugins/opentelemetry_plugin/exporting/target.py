"""Where one signal goes, and what becomes of what was sent there."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

__all__ = ["Outcome", "Signal", "Target", "Transport"]


class Signal(StrEnum):
    """What kind of telemetry it is; the last part of its path over HTTP."""

    TRACES = "traces"
    METRICS = "metrics"
    LOGS = "logs"


@dataclass(frozen=True, slots=True)
class Target:
    """Where one signal goes.

    Attributes:
        url: The whole URL, over HTTP with the signal's path.
        headers: What each request carries; often a token, so never shown.
        gzip: Whether requests are compressed.
        ca_file: Certificates of the authorities that the collector's is checked with; by default the system's.
        certificate_file: Our own certificate (mTLS).
        key_file: Its key.
        plain: Whether there is no TLS.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    gzip: bool = False
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request.

    Attributes:
        taken: Whether the collector has it.
        again: Whether the same request may succeed later (OTLP, "Failures").
        wait_seconds: When the collector wants it again; `None` if it did not say.
        rejected: How many items of a taken request it refused.
        reason: Why not everything was taken, for a person.
    """

    taken: bool
    again: bool = False
    wait_seconds: float | None = None
    rejected: int = 0
    reason: str = ""


class Transport(Protocol):
    """Carries encoded requests to a target. Used by one thread, but for `abort`."""

    def send(self, payload: bytes, timeout_seconds: float) -> Outcome:
        """Send one request and wait for its answer; never raises an `Exception`."""
        ...

    def abort(self) -> None:
        """Break the request off that is under way, from another thread; none succeeds after it."""
        ...

    def close(self) -> None:
        """Close connections."""
        ...
