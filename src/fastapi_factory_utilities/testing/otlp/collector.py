"""The collector as a test holds it: synchronous, safe from any thread and any event loop."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from fastapi_factory_utilities.testing.otlp.over_grpc import GrpcDoor
from fastapi_factory_utilities.testing.otlp.over_http import HttpDoor
from fastapi_factory_utilities.testing.otlp.received import Received
from fastapi_factory_utilities.testing.otlp.records import ExportRequest, LogEntry, MetricRecord
from fastapi_factory_utilities.testing.otlp.script import Answer, Script
from fastapi_factory_utilities.testing.telemetry.records import SpanRecord
from fastapi_factory_utilities.testing.telemetry.stories import KeepsSpans
from fastapi_factory_utilities.testing.telemetry.waiting import wait_until

__all__ = ["OtlpCollector"]


class OtlpCollector(KeepsSpans):
    """An OTLP collector on loopback, over HTTP and over gRPC, which keeps what it gets and answers as it is told.

    Orders are in force when the method returns, concern both protocols, and last until `heal()` or for the number of
    requests that `times` says. The ports stay the same all the time, also while connections are refused.

    ::

        with OtlpCollector() as collector:
            app = AppBuilder().add_config({"opentelemetry": {"endpoint": collector.http_endpoint}}).build()
            ...
            await collector.story("GET /books > find books")
            collector.answer(429, retry_after_seconds=1, times=2)
    """

    def __init__(self) -> None:
        self._received = Received()
        self._script = Script()
        self._doors: tuple[HttpDoor, GrpcDoor] | None = None

    # --- life ---

    def start(self) -> Self:
        """Listen."""
        if self._doors is not None:
            raise RuntimeError("this OtlpCollector is running already: start() or `with` it once")
        self._doors = HttpDoor(self._received, self._script), GrpcDoor(self._received, self._script)
        for door in self._doors:
            door.open()
        return self

    def close(self) -> None:
        """Break everything off and give the ports back; what came is kept. Doing it twice does nothing."""
        doors, self._doors = self._doors, None
        self._script.set(Answer())
        for door in doors or ():
            door.release()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # --- where it is ---

    @property
    def http_endpoint(self) -> str:
        """Where it listens for HTTP, without the signal's path."""
        return f"http://127.0.0.1:{self._open_doors[0].port}"

    @property
    def grpc_endpoint(self) -> str:
        """Where it listens for gRPC, without TLS."""
        return f"http://127.0.0.1:{self._open_doors[1].port}"

    # --- what it answers ---

    def answer(self, status: int, *, retry_after_seconds: float | None = None, times: int | None = None) -> None:
        """Answer with an HTTP status, over gRPC with the one that means the same.

        Args:
            status: The status; what came with another than 200 is not kept.
            retry_after_seconds: When the sender is to come again: `Retry-After`, over gRPC a `RetryInfo`.
            times: How many requests are answered like that; the next ones are taken.
        """
        self._script.set(Answer(status, retry_after_seconds), times)

    def slow(self, seconds: float, *, times: int | None = None) -> None:
        """Take everything, but answer that much later."""
        self._script.set(Answer(after_seconds=seconds), times)

    def hang(self, *, times: int | None = None) -> None:
        """Accept requests and never answer."""
        self._script.set(Answer(hangs=True), times)

    def garbage(self, *, times: int | None = None) -> None:
        """Take everything, and answer with what is no OTLP."""
        self._script.set(Answer(garbage=True), times)

    def refuse(self) -> None:
        """Refuse connections, and break those off that are open."""
        self._script.set(Answer())
        for door in self._open_doors:
            door.close()

    def heal(self) -> None:
        """Be well again: whoever waits for an answer gets one, new connections are accepted."""
        self._script.set(Answer())
        for door in self._open_doors:
            door.open()

    # --- what it got ---

    @property
    def spans(self) -> list[SpanRecord]:
        """The spans so far, in the order in which they came."""
        return self._received.spans()

    @property
    def span_count(self) -> int:
        """How many there are."""
        return self._received.span_count

    @property
    def metrics(self) -> list[MetricRecord]:
        """The metrics so far, one each time that they were exported."""
        return self._received.metrics()

    @property
    def logs(self) -> list[LogEntry]:
        """The log lines so far."""
        return self._received.logs()

    @property
    def requests(self) -> list[ExportRequest]:
        """The requests so far that were answered or given up, whatever was answered."""
        return list(self._received.requests)

    def metric(self, name: str) -> MetricRecord:
        """Return a metric as it was exported last.

        Raises:
            AssertionError: It never was.
        """
        metrics = self.metrics
        found = next((metric for metric in reversed(metrics) if metric.name == name), None)
        if found is None:
            known = ", ".join(sorted({metric.name for metric in metrics})) or "none"
            raise AssertionError(f"no metric is called {name!r}; there is: {known}")
        return found

    async def wait_for(self, condition: Callable[[Self], object], *, within_seconds: float = 10.0) -> None:
        """Wait until something is true of what came.

        Raises:
            AssertionError: It is not in time.
        """
        await wait_until(
            lambda: condition(self),
            within_seconds=within_seconds,
            otherwise=lambda: f"after {within_seconds:g} s the collector has {self.span_count} spans, "
            f"{len(self.metrics)} metrics and {len(self.logs)} log lines of {len(self.requests)} requests, "
            "and what was waited for is not true of them",
        )

    @property
    def _open_doors(self) -> tuple[HttpDoor, GrpcDoor]:
        if self._doors is None:
            raise RuntimeError("this OtlpCollector is not running: use it inside `with collector:`")
        return self._doors
