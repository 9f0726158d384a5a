"""What a person hears of exports."""

import random

import pytest

from fastapi_factory_utilities.core.logs import configure_logging, reset_logging
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting import voice
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.target import Signal
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.voice import Voice
from fastapi_factory_utilities.core.redaction import preserved_secrets, register_secrets
from fastapi_factory_utilities.core.services.status import HealthStatusEnum, Status


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_collector_that_flaps_for_an_hour_never_makes_more_than_ten_lines_a_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, dice = _Clock(), random.Random(7)  # noqa: S311 - no secret
    monkeypatch.setattr(voice, "monotonic", clock)
    configure_logging("json")
    spoken: list[float] = []
    shown: list[HealthStatusEnum] = []

    def report(status: Status) -> None:  # the application logs a change twice: the component's, and its own
        if not status.starting and [status.health] != shown[-1:]:
            if shown or status.health is not HealthStatusEnum.HEALTHY:  # to be found well is no outage
                spoken.extend([clock.now] * 2)
            shown.append(status.health)

    try:
        speaker = Voice(report)
        for _ in range(36_000):
            clock.now += 0.1
            signal = dice.choice(list(Signal))
            if dice.random() < 0.5:
                speaker.succeeded(signal)
            else:
                speaker.failed(signal, "HTTP 503", 1.0)
                speaker.lost(signal, 10, "the queue was full")
            speaker.remind()
            spoken += [clock.now] * len(capsys.readouterr().out.splitlines())
    finally:
        reset_logging()
    assert len(spoken) > 60, "silence is no good either"
    assert len(shown) > 60, "nor is a health of long ago"
    assert all(later - earlier > 60 for earlier, later in zip(spoken, spoken[10:], strict=False))


def test_every_loss_is_told_sooner_or_later_and_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = _Clock()
    monkeypatch.setattr(voice, "monotonic", clock)
    configure_logging("json")
    try:
        speaker = Voice(lambda _: None)
        for _ in range(5):
            speaker.lost(Signal.TRACES, 10, "the queue was full")
            speaker.remind()
            clock.now += 7
        speaker.remind(last=True)
        lines = capsys.readouterr().out.splitlines()
    finally:
        reset_logging()
    told = [line for line in lines if '"event":"telemetry lost"' in line]
    assert [int(line.split('"items":')[1].split(",")[0]) for line in told] == [10, 40]


def test_health_is_well_again_only_when_every_signal_is() -> None:
    heard: list[Status] = []
    speaker = Voice(heard.append)
    speaker.failed(Signal.TRACES, "HTTP 503", 1.0)
    speaker.failed(Signal.METRICS, "HTTP 404", 1.0)
    assert heard[-1].starting, "it was never reached"
    speaker.succeeded(Signal.TRACES)
    assert [status.health for status in heard] == [HealthStatusEnum.UNHEALTHY] * 2
    speaker.succeeded(Signal.METRICS)
    assert [status.health for status in heard][2:] == [HealthStatusEnum.HEALTHY]


def test_the_reason_holds_no_known_secret() -> None:
    heard: list[Status] = []
    with preserved_secrets():
        register_secrets(["planted-secret-value"])
        Voice(heard.append).failed(Signal.TRACES, "gRPC UNAUTHENTICATED: planted-secret-value is no token", 1.0)
    assert "planted" not in str(heard[-1].reason)
