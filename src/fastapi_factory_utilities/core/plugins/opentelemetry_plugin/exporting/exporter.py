"""Exports the telemetry of one application, from its start to its stop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from fastapi_factory_utilities.core.plugins.extras import require_extra
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.config import OpenTelemetryConfig
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.lane import Lane, Source
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.queue import BoundedQueue
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.sources import Batches
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.spans import SpanEncoder
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.target import Signal, Target, Transport
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.voice import Voice
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.worker import Worker
from fastapi_factory_utilities.core.services.status import (
    ComponentInstanceType,
    ComponentSubject,
    Status,
    StatusService,
)

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.span import LightSpan

__all__ = ["COMPONENT", "Exporter"]

COMPONENT: Final = "telemetry:collector"


class Exporter:
    """Takes ended spans, and sends them with whatever else is added. A `SpanSink`.

    Nothing is opened before `running`; spans that end earlier wait, as far as there is room.

    Args:
        config: The section, variables included.
        resource: Whose telemetry it is.
    """

    def __init__(self, config: OpenTelemetryConfig, resource: Any) -> None:  # noqa: ANN401 - see `SpanEncoder`
        self._config = config
        self._resource = resource
        self._worker: Worker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._subject: ComponentSubject | None = None
        self._voice = Voice(self._report)
        self._sources: dict[Signal, tuple[Source, float]] = {}
        self._lanes: dict[Signal, Lane] = {}
        tracer = config.tracer_config
        self._spans: BoundedQueue[LightSpan] = BoundedQueue(
            tracer.max_queue_size, tracer.max_export_batch_size, self.wake
        )
        self.on_end: Callable[[LightSpan], None] = self._spans.put
        """Takes one ended span: at once, from any thread."""
        if config.exports("traces"):
            encode: Callable[[Sequence[LightSpan]], bytes] = SpanEncoder(resource).encode
            batches = Batches(self._spans, encode, delay_seconds=tracer.schedule_delay_millis / 1000)
            self.add(Signal.TRACES, batches, patience_seconds=tracer.export_timeout_millis / 1000)

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to export."""
        return bool(self._sources)

    @property
    def thread_id(self) -> int | None:
        """The identifier of the thread that exports; `None` while there is none."""
        return None if self._worker is None else self._worker.thread_id

    def add(self, signal: Signal, source: Source, *, patience_seconds: float) -> None:
        """Export something more; only before `running`.

        Args:
            signal: What kind it is.
            source: Where it comes from.
            patience_seconds: How long a request is tried, repetitions included.
        """
        self._sources[signal] = source, patience_seconds

    def wake(self) -> None:
        """Export what is due now, rather than soon."""
        if self._worker is not None:
            self._worker.wake()

    def sent(self, signal: Signal) -> int:
        """Say how many spans, metrics or lines the collector took."""
        lane = self._lanes.get(signal)
        return 0 if lane is None else lane.sent

    def lost(self, signal: Signal) -> int:
        """Say how many are gone for good: dropped from a full queue, given up, or rejected."""
        lane = self._lanes.get(signal)
        return 0 if lane is None else lane.lost

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what waits, and wait for that: not in the event loop's thread.

        Returns:
            Whether it was done in time.
        """
        return self._worker is None or self._worker.flush(timeout_millis / 1000)

    async def flush(self, seconds: float) -> bool:
        """Send what waits, and wait for that without blocking the event loop.

        Returns:
            Whether it was done in time.
        """
        worker = self._worker
        return worker is None or await _in_thread(partial(worker.flush, seconds))

    @asynccontextmanager
    async def running(self, status: StatusService) -> AsyncIterator[None]:
        """Export while the body lasts; then send what is left, within `closing_timeout`.

        Args:
            status: Where the collector's health is reported, as that of an optional component.
        """
        if not self.is_needed:
            yield
            return
        self._loop = asyncio.get_running_loop()
        subject = status.register_component_instance(ComponentInstanceType.from_key(COMPONENT), required=False)
        self._subject = subject
        worker = self._worker = self._make_worker()
        worker.start()
        try:
            yield
        finally:
            try:
                await _in_thread(partial(worker.stop, self._config.closing_timeout))
            finally:
                self._subject = self._worker = None
                subject.unregister()

    def _make_worker(self) -> Worker:
        timeout = self._config.timeout
        self._lanes = {}
        for signal, (source, patience) in self._sources.items():
            transport = self._transport(signal)
            self._lanes[signal] = Lane(
                signal,
                source,
                transport,
                self._voice,
                timeout_seconds=timeout,
                patience_seconds=patience,
                greets=not self._lanes,  # one is enough to know whether the collector is there
            )
        return Worker(list(self._lanes.values()), self._voice)

    def _transport(self, signal: Signal) -> Transport:
        target = target_of(self._config, signal)
        if not self._config.is_grpc:
            from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.over_http import (  # noqa: PLC0415 - one of the two
                HttpTransport,
            )

            return HttpTransport(target)
        require_extra("otel", "grpc")
        from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.over_grpc import (  # noqa: PLC0415 - 100 ms
            GrpcTransport,
        )

        return GrpcTransport(target, signal)

    def _report(self, status: Status) -> None:
        """Report the collector's health, from the worker's thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._tell, status)

    def _tell(self, status: Status) -> None:
        if self._subject is not None:
            self._subject.on_next(status)


def target_of(config: OpenTelemetryConfig, signal: Signal) -> Target:
    """Read from the configuration where a signal goes."""
    url = config.endpoint_of(signal.value)
    return Target(
        url=url,
        headers=tuple((name, value.get_secret_value()) for name, value in config.headers.items()),
        gzip=config.compression == "gzip",
        ca_file=config.ca_file,
        certificate_file=config.client_certfile,
        key_file=config.client_keyfile,
        plain=not url.startswith("https:"),
    )


async def _in_thread[T](work: Callable[[], T]) -> T:
    """Run work in a thread of its own: the loop's executor may be full of what is being stopped."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - raised where it is awaited
            _settle(loop, done, partial(done.set_exception, error))
        else:
            _settle(loop, done, partial(done.set_result, result))

    Thread(target=run, name="telemetry flush", daemon=True).start()
    return await done


def _settle(loop: asyncio.AbstractEventLoop, done: "asyncio.Future[Any]", settle: Callable[[], None]) -> None:
    def once() -> None:
        if not done.done():  # cancelled meanwhile
            settle()

    if not loop.is_closed():
        loop.call_soon_threadsafe(once)
