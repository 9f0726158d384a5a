"""What the status service promises."""

import asyncio
import gc

import pytest

from fastapi_factory_utilities.core.redaction import forget_secrets, register_secrets
from fastapi_factory_utilities.core.services.status import (
    ComponentInstanceType,
    ComponentTypeEnum,
    HealthStatusEnum,
    ReadinessStatusEnum,
    Status,
    StatusService,
    StatusUpdateEvent,
)

DATABASE = ComponentInstanceType(ComponentTypeEnum.DATABASE, "MongoDB")
BROKER = ComponentInstanceType(ComponentTypeEnum.MESSAGE_BROKER)
HEALTHY = Status(HealthStatusEnum.HEALTHY, ReadinessStatusEnum.READY)
DEGRADED = Status(HealthStatusEnum.DEGRADED, ReadinessStatusEnum.READY, reason="slow")
UNHEALTHY = Status(HealthStatusEnum.UNHEALTHY, ReadinessStatusEnum.NOT_READY, reason="gone")


def test_a_component_is_known_by_its_type_and_identifier() -> None:
    assert DATABASE.key == "database:MongoDB"
    assert BROKER.key == "message_broker"
    assert ComponentInstanceType.from_key("database:MongoDB") == DATABASE
    assert ComponentInstanceType.from_key("message_broker") == BROKER


def test_a_service_without_components_is_healthy_and_ready() -> None:
    assert StatusService().get_status() == HEALTHY


def test_a_component_counts_as_starting_until_it_reports() -> None:
    service = StatusService()
    service.register_component_instance(DATABASE)
    assert service.status.readiness is ReadinessStatusEnum.NOT_READY
    assert service.status.health is HealthStatusEnum.UNHEALTHY
    assert service.components["database:MongoDB"].status.reason == "starting"
    assert service.status.reason == "database:MongoDB: starting"


def test_a_key_can_be_registered_once_and_again_after_it_was_unregistered() -> None:
    service = StatusService()
    subject = service.register_component_instance(DATABASE)
    with pytest.raises(ValueError, match="database:MongoDB"):
        service.register_component_instance(DATABASE)
    subject.unregister()
    subject.unregister()
    service.register_component_instance(DATABASE)


@pytest.mark.parametrize(
    ("required", "optional", "expected"),
    [
        (HEALTHY, HEALTHY, (HealthStatusEnum.HEALTHY, ReadinessStatusEnum.READY)),
        (DEGRADED, HEALTHY, (HealthStatusEnum.DEGRADED, ReadinessStatusEnum.READY)),
        (HEALTHY, DEGRADED, (HealthStatusEnum.DEGRADED, ReadinessStatusEnum.READY)),
        (HEALTHY, UNHEALTHY, (HealthStatusEnum.DEGRADED, ReadinessStatusEnum.READY)),
        (UNHEALTHY, HEALTHY, (HealthStatusEnum.UNHEALTHY, ReadinessStatusEnum.NOT_READY)),
    ],
)
def test_required_components_decide_and_optional_ones_only_degrade(
    required: Status, optional: Status, expected: tuple[HealthStatusEnum, ReadinessStatusEnum]
) -> None:
    service = StatusService()
    service.register_component_instance(DATABASE).on_next(required)
    service.register_component_instance(BROKER, required=False).on_next(optional)
    assert (service.status.health, service.status.readiness) == expected


def test_every_transition_is_told_once_and_in_order() -> None:
    service, heard = StatusService(), list[StatusUpdateEvent]()
    subject = service.register_component_instance(DATABASE)
    service.subscribe(heard.append)
    for status in (HEALTHY, HEALTHY, UNHEALTHY, HEALTHY):
        subject.on_next(status)
    own = [event.status.health for event in heard if event.component is None]
    components = [event.status.health for event in heard if event.component == DATABASE]
    assert own == components == [HealthStatusEnum.HEALTHY, HealthStatusEnum.UNHEALTHY, HealthStatusEnum.HEALTHY]
    assert [event.sequence for event in heard] == list(range(heard[0].sequence, heard[0].sequence + len(heard)))
    assert tuple(heard) == service.history[-len(heard) :]


def test_an_observer_that_reports_itself_does_not_disturb_the_order() -> None:
    service, heard = StatusService(), list[int]()
    subject = service.register_component_instance(DATABASE)
    other = service.register_component_instance(BROKER)

    def meddle(event: StatusUpdateEvent) -> None:
        if event.component == DATABASE:
            other.on_next(event.status)

    service.subscribe(meddle)
    service.subscribe(lambda event: heard.append(event.sequence))
    subject.on_next(HEALTHY)
    subject.on_next(UNHEALTHY)
    assert heard == sorted(heard)
    assert len(heard) == len(set(heard)) >= 6


def test_an_observer_may_be_an_object_and_may_leave() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.events: list[StatusUpdateEvent] = []

        def on_next(self, event: StatusUpdateEvent) -> None:
            self.events.append(event)

    service, recorder = StatusService(), Recorder()
    subject = service.register_component_instance(DATABASE)
    with service.subscribe(recorder):
        subject.on_next(HEALTHY)
    subject.on_next(UNHEALTHY)
    assert {event.status.health for event in recorder.events} == {HealthStatusEnum.HEALTHY}


def test_a_failing_observer_harms_nobody_else() -> None:
    service, heard = StatusService(), list[StatusUpdateEvent]()

    def fail(_event: StatusUpdateEvent) -> None:
        raise RuntimeError("observer")

    service.subscribe(fail)
    service.subscribe(heard.append)
    service.register_component_instance(DATABASE).on_next(HEALTHY)
    assert heard


async def test_events_gives_every_transition_from_the_call_on() -> None:
    service = StatusService()
    subject = service.register_component_instance(DATABASE)
    stream = service.events()
    subject.on_next(HEALTHY)
    subject.on_next(UNHEALTHY)
    async with asyncio.timeout(5):
        got = [await anext(stream) for _ in range(4)]
    assert [event.status.health for event in got if event.component] == [
        HealthStatusEnum.HEALTHY,
        HealthStatusEnum.UNHEALTHY,
    ]
    await stream.aclose()


async def test_a_stream_nobody_reads_is_forgotten() -> None:
    service = StatusService()
    service.events()
    gc.collect()
    assert not service._observers


def test_news_about_the_same_state_is_no_transition_but_is_kept() -> None:
    service = StatusService()
    subject = service.register_component_instance(DATABASE)
    subject.on_next(UNHEALTHY)
    since, transitions, version = subject.state.since, len(service.history), service.version
    subject.on_next(Status(UNHEALTHY.health, UNHEALTHY.readiness, reason="still gone"))
    assert subject.state.status.reason == "still gone"
    assert subject.state.since == since
    assert len(service.history) == transitions
    assert service.version > version


def test_history_is_bounded() -> None:
    service = StatusService()
    subject = service.register_component_instance(DATABASE)
    for _ in range(300):
        subject.on_next(HEALTHY)
        subject.on_next(UNHEALTHY)
    assert len(service.history) == 200
    assert service.history[-1].sequence > 1000


def test_a_reason_never_shows_a_known_secret() -> None:
    register_secrets(["hunter2-canary"])
    try:
        service = StatusService()
        subject = service.register_component_instance(DATABASE)
        subject.on_next(Status(UNHEALTHY.health, UNHEALTHY.readiness, reason="auth failed for hunter2-canary"))
        assert "hunter2" not in repr(service.components) + repr(service.status) + repr(service.history)
    finally:
        forget_secrets(["hunter2-canary"])


def test_a_draining_service_is_not_ready_whatever_its_components_say() -> None:
    service = StatusService()
    service.mark_started()
    service.begin_drain()
    assert service.status.readiness is ReadinessStatusEnum.NOT_READY
    assert service.status.reason == "draining"
    service.register_component_instance(DATABASE).on_next(HEALTHY)
    assert service.status.readiness is ReadinessStatusEnum.NOT_READY
    assert service.status.health is HealthStatusEnum.HEALTHY


def test_start_up_is_over_once_a_started_service_was_ready() -> None:
    service = StatusService()
    subject = service.register_component_instance(DATABASE)
    subject.on_next(HEALTHY)
    assert not service.was_ready
    subject.on_next(UNHEALTHY)
    service.mark_started()
    assert not service.was_ready
    subject.on_next(HEALTHY)
    subject.on_next(UNHEALTHY)
    assert service.was_ready


async def test_settled_waits_for_every_component_to_speak_but_not_for_long() -> None:
    service = StatusService()
    subject = service.register_component_instance(DATABASE)
    assert not await service.settled(0.01)
    waiting = asyncio.create_task(service.settled(5))
    await asyncio.sleep(0)
    subject.on_next(UNHEALTHY)
    assert await waiting


async def test_a_check_of_three_lines_is_a_component_while_the_service_runs() -> None:
    service, answers = StatusService(), [True]

    async def check() -> None:
        if not answers[0]:
            raise ConnectionError("no answer")

    subject = service.add_check("payment-api", check, interval_seconds=0.01)
    assert subject.instance.key == "check:payment-api"
    stream = service.events()
    async with asyncio.timeout(5), service.running():
        await _until(stream, HealthStatusEnum.HEALTHY)
        answers[0] = False
        await _until(stream, HealthStatusEnum.DEGRADED)
        await _until(stream, HealthStatusEnum.UNHEALTHY)
        assert subject.state.status.reason == "ConnectionError: no answer"
        answers[0] = True
        await _until(stream, HealthStatusEnum.HEALTHY)


async def test_a_check_may_be_added_while_the_service_runs_and_ends_with_it() -> None:
    service, asked = StatusService(), list[int]()

    async def check() -> None:
        asked.append(1)

    stream = service.events()
    async with asyncio.timeout(5), service.running():
        service.add_check("late", check, interval_seconds=0.01)
        await _until(stream, HealthStatusEnum.HEALTHY)
    count = len(asked)
    await asyncio.sleep(0.05)
    assert len(asked) == count
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("probe ")]


async def _until(stream: object, health: HealthStatusEnum) -> None:
    async for event in stream:  # type: ignore[attr-defined]  # an async generator of events
        if event.component is not None and event.status.health is health:
            return
