"""What the probe makes of good and missed pings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi_factory_utilities.core.services.status import (
    ComponentInstanceType,
    ComponentSubject,
    ComponentTypeEnum,
    HealthCheckConfig,
    HealthStatusEnum,
    ReadinessStatusEnum,
    StatusService,
    probing,
)

QUICK = HealthCheckConfig(interval_seconds=0.02, timeout_seconds=0.05, max_interval_seconds=0.05)


class Backend:
    """Something that answers, refuses, or hangs, as the test says."""

    def __init__(self) -> None:
        self.mode = "answer"
        self.pings = 0
        self.prepared = 0
        self.prepare_fails = False

    async def ping(self) -> None:
        self.pings += 1
        if self.mode == "refuse":
            raise ConnectionRefusedError("refused")
        if self.mode == "hang":
            await asyncio.Event().wait()

    async def ready(self) -> None:
        if self.prepare_fails:
            raise ValueError("index conflict")
        self.prepared += 1


@asynccontextmanager
async def probed(backend: Backend, settings: HealthCheckConfig = QUICK) -> AsyncIterator[ComponentSubject]:
    service = StatusService()
    subject = service.register_component_instance(ComponentInstanceType(ComponentTypeEnum.CACHE))
    async with asyncio.timeout(10), probing(subject, backend.ping, settings=settings, ready=backend.ready):
        yield subject


async def until(subject: ComponentSubject, health: HealthStatusEnum) -> None:
    while subject.state.status.health is not health:
        await asyncio.sleep(0.005)


async def test_the_first_good_ping_makes_it_healthy_after_its_preparation() -> None:
    backend = Backend()
    async with probed(backend) as subject:
        await until(subject, HealthStatusEnum.HEALTHY)
        assert backend.prepared == 1
        assert subject.state.status.reason is None


async def test_one_missed_ping_degrades_and_does_not_cost_readiness() -> None:
    backend = Backend()
    slow = HealthCheckConfig(interval_seconds=0.2, timeout_seconds=0.05)
    async with probed(backend, slow) as subject:
        await until(subject, HealthStatusEnum.HEALTHY)
        backend.mode = "refuse"
        await until(subject, HealthStatusEnum.DEGRADED)
        assert subject.state.status.readiness is ReadinessStatusEnum.READY
        assert subject.state.status.reason == "ConnectionRefusedError: refused"
        assert subject.state.status.next_try_at is not None
        backend.mode = "answer"
        await until(subject, HealthStatusEnum.HEALTHY)


async def test_three_missed_pings_make_it_unhealthy_and_one_good_one_heals() -> None:
    backend = Backend()
    async with probed(backend) as subject:
        await until(subject, HealthStatusEnum.HEALTHY)
        backend.mode = "hang"
        await until(subject, HealthStatusEnum.UNHEALTHY)
        assert subject.state.status.readiness is ReadinessStatusEnum.NOT_READY
        assert subject.state.status.reason == "no answer within 0.05 s"
        backend.mode = "answer"
        await until(subject, HealthStatusEnum.HEALTHY)


async def test_what_was_never_reached_is_starting() -> None:
    backend = Backend()
    backend.mode = "refuse"
    async with probed(backend) as subject:
        while backend.pings < 5:
            await asyncio.sleep(0.005)
        assert subject.state.status.health is HealthStatusEnum.UNHEALTHY
        assert subject.state.status.reason == "starting: ConnectionRefusedError: refused"


async def test_preparation_is_tried_again_and_done_again_after_an_outage() -> None:
    backend = Backend()
    backend.prepare_fails = True
    async with probed(backend) as subject:
        while backend.pings < 4:
            await asyncio.sleep(0.005)
        assert subject.state.status.readiness is ReadinessStatusEnum.NOT_READY
        assert "index conflict" in (subject.state.status.reason or "")
        backend.prepare_fails = False
        await until(subject, HealthStatusEnum.HEALTHY)
        backend.mode = "refuse"
        await until(subject, HealthStatusEnum.UNHEALTHY)
        backend.mode = "answer"
        await until(subject, HealthStatusEnum.HEALTHY)
        assert backend.prepared == 2


async def test_probing_ends_with_its_body_also_while_a_ping_hangs() -> None:
    backend = Backend()
    backend.mode = "hang"
    async with probed(backend, HealthCheckConfig(timeout_seconds=60)):
        while not backend.pings:
            await asyncio.sleep(0.005)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("probe ")]


async def test_a_ping_that_is_slow_to_be_cancelled_does_not_delay_the_truth() -> None:
    gone = asyncio.Event()
    answers = True

    async def ping() -> None:
        if answers:
            return
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await gone.wait()  # a driver that closes its connection politely, while the line is dead
            raise

    service = StatusService()
    subject = service.register_component_instance(ComponentInstanceType(ComponentTypeEnum.CACHE))
    async with asyncio.timeout(10), probing(subject, ping, settings=QUICK):
        await until(subject, HealthStatusEnum.HEALTHY)
        answers = False
        await until(subject, HealthStatusEnum.UNHEALTHY)
        answers = True
        await until(subject, HealthStatusEnum.HEALTHY)
        gone.set()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith(("probe ", "ask "))]
