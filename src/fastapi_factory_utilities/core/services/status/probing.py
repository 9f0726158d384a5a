"""One loop that owns the health of a backend: ask, count, tell.

A missed ping makes a component DEGRADED, three in a row make it UNHEALTHY, one good ping makes it HEALTHY again. A
component that was never reached stays UNHEALTHY, "starting".
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import Field

from fastapi_factory_utilities.core.frozen import FrozenModel
from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.services.status.asking import Asking
from fastapi_factory_utilities.core.services.status.types import HealthStatusEnum, ReadinessStatusEnum, Status

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.services.status.service import ComponentSubject

__all__ = ["HealthCheckConfig", "probe", "probing"]

_log = get_logger(__name__)

_REASON_LENGTH = 300


class HealthCheckConfig(FrozenModel):
    """How a component is asked whether it answers.

    The defaults tell the death of a backend, even a frozen one, within 2 s: 0.4 + 3 x 0.4 and some slack.
    """

    interval_seconds: float = Field(default=0.4, gt=0, description="Between two pings while all is well.")
    timeout_seconds: float = Field(default=0.4, gt=0, description="How long one ping may take.")
    failure_threshold: int = Field(default=3, ge=1, description="Failures in a row that make it unhealthy.")
    max_interval_seconds: float = Field(default=2.0, gt=0, description="Between two pings of a long outage, at most.")
    ready_timeout_seconds: float = Field(
        default=60.0, gt=0, description="How long the work may take that has to be done whenever the backend appears."
    )


@asynccontextmanager
async def probing(
    subject: "ComponentSubject",
    ping: Callable[[], Awaitable[object]],
    *,
    settings: HealthCheckConfig,
    ready: Callable[[], Awaitable[object]] | None = None,
) -> AsyncIterator[None]:
    """Probe for as long as the body runs; see `probe`."""
    loop = probe(subject, ping, settings=settings, ready=ready)
    task = asyncio.create_task(loop, name=f"probe {subject.instance.key}")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def probe(
    subject: "ComponentSubject",
    ping: Callable[[], Awaitable[object]],
    *,
    settings: HealthCheckConfig,
    ready: Callable[[], Awaitable[object]] | None = None,
) -> None:
    """Keep a component's status true, until cancelled.

    Args:
        subject: Where to report.
        ping: Returns when the backend answered; raises when it did not.
        settings: Intervals and limits.
        ready: Work that needs the backend: done after the first good ping and again after every outage, since a
            server may come back empty. It must bear repetition. Until it succeeds the component is not ready.
    """
    loop = asyncio.get_running_loop()
    failures = 0
    prepared = False
    asking = Asking(subject.instance.key)
    try:
        while True:
            began = loop.time()
            error: BaseException | None = None
            try:
                await asking.ask(ping, settings.timeout_seconds)
            except Exception as caught:  # noqa: BLE001 - whatever a ping raises means "does not answer"
                error = caught
            if error is None and not prepared and ready is not None:
                try:
                    await asking.ask(ready, settings.ready_timeout_seconds)
                except Exception as caught:  # noqa: BLE001 - told as the component's reason and tried again
                    _log.warning("component could not be prepared", component=subject.instance.key, exc_info=caught)
                    error = caught
            if error is None:
                failures, prepared = 0, True
                subject.healthy()
            else:
                failures += 1
                if failures >= settings.failure_threshold:
                    prepared = False
            pause = _pause(settings, failures, loop.time() - began)
            if error is not None:
                subject.on_next(_unwell(subject, error, failures, settings, pause))
            await asyncio.sleep(pause)
    finally:
        await asking.close()


def _pause(settings: HealthCheckConfig, failures: int, took: float) -> float:
    """Seconds until the next ping: a steady beat while it matters, slower during a long outage."""
    beyond = max(0, failures - settings.failure_threshold)
    interval = settings.interval_seconds * 2.0 ** min(beyond, 10)
    return max(0.05, min(interval, max(settings.max_interval_seconds, settings.interval_seconds)) - took)


def _unwell(
    subject: "ComponentSubject", error: BaseException, failures: int, settings: HealthCheckConfig, pause: float
) -> Status:
    """Say how unwell a component is after so many failures in a row."""
    reason = _describe(error)
    next_try_at = datetime.now(UTC) + timedelta(seconds=pause)
    before = subject.state.status
    if before.starting:
        return Status(
            HealthStatusEnum.UNHEALTHY, ReadinessStatusEnum.NOT_READY, f"starting: {reason}", next_try_at, starting=True
        )
    if before.readiness is ReadinessStatusEnum.NOT_READY or failures >= settings.failure_threshold:
        return Status(HealthStatusEnum.UNHEALTHY, ReadinessStatusEnum.NOT_READY, reason, next_try_at)
    return Status(HealthStatusEnum.DEGRADED, ReadinessStatusEnum.READY, reason, next_try_at)


def _describe(error: BaseException) -> str:
    """Put an error in a few words; the status service takes known secrets out of them."""
    text = " ".join(str(error).split())
    if isinstance(error, TimeoutError) and text:
        return text[:_REASON_LENGTH]
    return (f"{type(error).__name__}: {text}" if text else type(error).__name__)[:_REASON_LENGTH]
