"""The one place that knows how every component is, and tells when that changes (FR38-FR42)."""

import asyncio
import weakref
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType, TracebackType
from typing import Protocol, Self

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.redaction import redact
from fastapi_factory_utilities.core.services.status.calculators import (
    HealthCalculatorStrategy,
    HealthSimpleCalculatorStrategy,
    ReadinessCalculatorStrategy,
    ReadinessSimpleCalculatorStrategy,
)
from fastapi_factory_utilities.core.services.status.liveness import LivenessMonitor
from fastapi_factory_utilities.core.services.status.probing import HealthCheckConfig, probe
from fastapi_factory_utilities.core.services.status.types import (
    ComponentInstanceType,
    ComponentState,
    ComponentTypeEnum,
    HealthStatusEnum,
    ReadinessStatusEnum,
    Status,
    StatusUpdateEvent,
)

__all__ = ["ComponentSubject", "StatusService", "Subscription"]

_log = get_logger(__name__)

_HISTORY_LENGTH = 200
_STARTING = Status(HealthStatusEnum.UNHEALTHY, ReadinessStatusEnum.NOT_READY, reason="starting", starting=True)


class Observer(Protocol):
    """Something that wants to hear of every transition."""

    def on_next(self, event: StatusUpdateEvent, /) -> object:
        """Hear of one transition."""
        ...


class Subscription:
    """A subscription that can be ended; also a context manager that ends it."""

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end

    def dispose(self) -> None:
        """End the subscription; doing it twice is harmless."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.dispose()


class ComponentSubject:
    """Where a component reports its status; made by `StatusService.register_component_instance`."""

    def __init__(self, service: "StatusService", instance: ComponentInstanceType) -> None:
        self._service = service
        self.instance = instance

    @property
    def state(self) -> ComponentState:
        """The component as the service knows it now."""
        return self._service.components[self.instance.key]

    def on_next(self, status: Status) -> None:
        """Report a status. The same one again is no transition; only its reason and next try are kept."""
        self._service.report(self.instance, status)

    def healthy(self) -> None:
        """Report that all is well."""
        self.on_next(Status(HealthStatusEnum.HEALTHY, ReadinessStatusEnum.READY))

    def unregister(self) -> None:
        """Take the component out of the service's health; doing it twice is harmless."""
        self._service.unregister_component_instance(self.instance)


class StatusService:
    """Knows each component's status, derives the service's own, and tells every transition once, in order.

    Everything is in memory and answers at once; report and subscribe from the event loop's thread.

    Args:
        health_calculator: How components make the service's health.
        readiness_calculator: How components make the service's readiness.
        liveness: What speaks of the process alone.
    """

    def __init__(
        self,
        *,
        health_calculator: HealthCalculatorStrategy | None = None,
        readiness_calculator: ReadinessCalculatorStrategy | None = None,
        liveness: LivenessMonitor | None = None,
    ) -> None:
        self._health_calculator = health_calculator or HealthSimpleCalculatorStrategy()
        self._readiness_calculator = readiness_calculator or ReadinessSimpleCalculatorStrategy()
        self.liveness: LivenessMonitor = liveness or LivenessMonitor()
        self._components: dict[str, ComponentState] = {}
        self._components_view = MappingProxyType(self._components)
        self._status = Status(HealthStatusEnum.HEALTHY, ReadinessStatusEnum.READY)
        self._since = datetime.now(UTC)
        self._version = 0
        self._started = False
        self._draining = False
        self._was_ready = False
        self._history: deque[StatusUpdateEvent] = deque(maxlen=_HISTORY_LENGTH)
        self._sequence = 0
        self._observers: dict[int, Callable[[StatusUpdateEvent], object]] = {}
        self._next_observer = 0
        self._undelivered: deque[StatusUpdateEvent] = deque()
        self._delivering = False
        self._changed = asyncio.Event()
        self._checks: list[Callable[[], Coroutine[None, None, None]]] = []
        self._check_tasks: set[asyncio.Task[None]] | None = None

    # What is known

    @property
    def status(self) -> Status:
        """The service's own status."""
        return self._status

    @property
    def since(self) -> datetime:
        """When the service entered its present status (aware, UTC)."""
        return self._since

    @property
    def components(self) -> MappingProxyType[str, ComponentState]:
        """Every component by key, in order of registration; a live, read-only view."""
        return self._components_view

    @property
    def history(self) -> tuple[StatusUpdateEvent, ...]:
        """The last 200 transitions, oldest first."""
        return tuple(self._history)

    @property
    def version(self) -> int:
        """A number that grows with every change, for whoever caches an answer made from the status."""
        return self._version

    @property
    def is_draining(self) -> bool:
        """Whether the service is on its way out."""
        return self._draining

    @property
    def was_ready(self) -> bool:
        """Whether the running service has been ready at least once: the startup probe's question."""
        return self._was_ready

    def get_status(self) -> Status:
        """Return the service's own status."""
        return self._status

    # What is told

    def register_component_instance(
        self, component_instance: ComponentInstanceType, *, required: bool = True
    ) -> ComponentSubject:
        """Add a component; it counts as UNHEALTHY, NOT_READY, "starting" until it reports.

        Args:
            component_instance: Which component.
            required: Whether the service cannot work without it; an optional one only degrades it.

        Returns:
            Where the component reports.

        Raises:
            ValueError: A component with this key is registered already.
        """
        key = component_instance.key
        if key in self._components:
            raise ValueError(f"component {key!r} is registered already: give each its own identifier")
        self._components[key] = ComponentState(component_instance, required, _STARTING, datetime.now(UTC))
        self._refresh()
        return ComponentSubject(self, component_instance)

    def unregister_component_instance(self, component_instance: ComponentInstanceType) -> None:
        """Take a component out of the service's health; one that is not there is ignored."""
        if self._components.pop(component_instance.key, None) is not None:
            self._refresh()

    def report(self, component_instance: ComponentInstanceType, status: Status) -> None:
        """Take a component's status; reports of a component that is gone are ignored."""
        key = component_instance.key
        known = self._components.get(key)
        if known is None:
            return
        if status.reason:
            status = replace(status, reason=redact(status.reason))
        if status == known.status:
            return
        if status.differs_from(known.status):
            self._components[key] = ComponentState(known.instance, known.required, status, datetime.now(UTC))
            self._record(component_instance, known.status, status)
        else:
            self._components[key] = ComponentState(known.instance, known.required, status, known.since)
        self._refresh()

    def add_check(
        self,
        name: str,
        check: Callable[[], Awaitable[object]],
        *,
        interval_seconds: float = 10.0,
        timeout_seconds: float = 5.0,
        failure_threshold: int = 3,
        required: bool = True,
    ) -> ComponentSubject:
        """Ask a coroutine, again and again while the application runs, whether something answers.

        Args:
            name: The component's name; its key becomes `check:<name>`.
            check: Returns when all is well; raises when not.
            interval_seconds: Between two questions.
            timeout_seconds: How long one may take.
            failure_threshold: Failures in a row that make it unhealthy; fewer make it degraded.
            required: Whether the service cannot work without it.

        Raises:
            ValueError: There is a check of this name already.
        """
        subject = self.register_component_instance(
            ComponentInstanceType(ComponentTypeEnum.CHECK, name), required=required
        )
        settings = HealthCheckConfig(
            interval_seconds=interval_seconds, timeout_seconds=timeout_seconds, failure_threshold=failure_threshold
        )
        self._checks.append(partial(probe, subject, check, settings=settings))
        if self._check_tasks is not None:
            self._check_tasks.add(asyncio.create_task(self._checks[-1](), name=f"probe {subject.instance.key}"))
        return subject

    # Who listens

    def subscribe(self, observer: Observer | Callable[[StatusUpdateEvent], object]) -> Subscription:
        """Tell an observer every transition from now on, in order, each once (FR40).

        A failing observer is logged and harms nobody else.

        Args:
            observer: A function of the event, or an object with `on_next(event)`.
        """
        number = self._next_observer
        self._next_observer += 1
        self._observers[number] = observer if callable(observer) else observer.on_next

        def end() -> None:
            self._observers.pop(number, None)

        return Subscription(end)

    def events(self) -> AsyncGenerator[StatusUpdateEvent]:
        """Iterate over every transition from this call on, in order, each once; ends only when you stop."""
        queue: asyncio.Queue[StatusUpdateEvent] = asyncio.Queue()
        subscription = self.subscribe(queue.put_nowait)

        async def stream() -> AsyncGenerator[StatusUpdateEvent]:
            while True:
                yield await queue.get()

        # The subscription begins before the first step of the loop and must end also when there never is one.
        generator = stream()
        weakref.finalize(generator, subscription.dispose)
        return generator

    async def settled(self, timeout_seconds: float) -> bool:
        """Wait until every component has said something about itself.

        Returns:
            Whether they all did within `timeout_seconds`.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                while any(state.status is _STARTING for state in self._components.values()):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the custom checks and the liveness monitor; the application does this for as long as it lives."""
        with self.liveness.watching():
            self._check_tasks = {asyncio.create_task(check()) for check in self._checks}
            try:
                yield
            finally:
                tasks, self._check_tasks = self._check_tasks, None
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def mark_started(self) -> None:
        """Say that the application is up; from its first readiness on, the startup probe is content."""
        self._started, self._draining = True, False
        self._refresh()

    def begin_drain(self) -> None:
        """Say that the service is on its way out: not ready from now on, whatever its components say."""
        self._draining = True
        self._refresh()

    # Inside

    def _refresh(self) -> None:
        """Derive the service's status again and tell whoever listens."""
        self._version += 1
        components = self._components.values()
        unwell = sorted(
            (state for state in components if state.status.health is not HealthStatusEnum.HEALTHY),
            key=lambda state: not state.required,
        )
        reason = "draining" if self._draining else _reason(unwell)
        readiness = self._readiness_calculator.calculate(components)
        if self._draining:
            readiness = ReadinessStatusEnum.NOT_READY
        starting = bool(unwell) and all(state.status.starting for state in unwell)
        status = Status(self._health_calculator.calculate(components), readiness, reason, starting=starting)
        if self._started and readiness is ReadinessStatusEnum.READY:
            self._was_ready = True
        previous, self._status = self._status, status
        if status.differs_from(previous):
            self._since = datetime.now(UTC)
            self._record(None, previous, status)
        self._changed.set()
        self._deliver()

    def _record(self, component: ComponentInstanceType | None, previous: Status, status: Status) -> None:
        self._sequence += 1
        event = StatusUpdateEvent(self._sequence, datetime.now(UTC), component, previous, status)
        self._history.append(event)
        self._undelivered.append(event)

    def _deliver(self) -> None:
        """Hand out what is waiting, in order, also when an observer reports something itself."""
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._undelivered:
                event = self._undelivered.popleft()
                for observer in tuple(self._observers.values()):
                    try:
                        observer(event)
                    except Exception:  # noqa: BLE001 - one observer's fault is not another's
                        _log.exception("status observer failed", event_sequence=event.sequence)
        finally:
            self._delivering = False


def _reason(unwell: Sequence[ComponentState]) -> str | None:
    """Name the first component that is not well."""
    if not unwell:
        return None
    return f"{unwell[0].instance.key}: {unwell[0].status.reason or unwell[0].status.health.value}"
