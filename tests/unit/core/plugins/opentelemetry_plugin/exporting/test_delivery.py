"""Exports to a real collector on loopback that answers as it is told, over both protocols."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting import Signal
from fastapi_factory_utilities.core.services.status import HealthStatusEnum
from fastapi_factory_utilities.testing.otlp import OtlpCollector
from fastapi_factory_utilities.testing.telemetry.waiting import wait_until
from tests.unit.core.plugins.opentelemetry_plugin.exporting.exported import config_for, exporting

_SOON = {"schedule_delay_millis": 20}


@pytest.fixture
def collector() -> Iterator[OtlpCollector]:
    with OtlpCollector() as collector:
        yield collector


@pytest.fixture(params=["otlp_http", "otlp_grpc"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("compression", ["gzip", "none"])
async def test_every_span_arrives_once_with_the_headers(
    collector: OtlpCollector, protocol: str, compression: str
) -> None:
    late = {"schedule_delay_millis": 60_000}
    headers = {"X-Token": "s3cret-token"}
    config = config_for(collector, protocol, headers=headers, compression=compression, tracer_config=late)
    async with exporting(config) as service:
        await wait_until(lambda: collector.requests, otherwise=lambda: "no greeting")
        service.make_spans(1300)
        await wait_until(lambda: collector.span_count == 1024, otherwise=lambda: "two whole batches do not wait")
        assert await service.exporter.flush(5)
        assert len({span.span_id for span in collector.spans}) == service.exporter.sent(Signal.TRACES) == 1300
        await wait_until(
            lambda: service.collector.status.health is HealthStatusEnum.HEALTHY, otherwise=lambda: "it is not healthy"
        )
    assert {request.headers["x-token"] for request in collector.requests} == {"s3cret-token"}
    assert collector.spans[0].resource["service.name"] == "books"
    if protocol == "otlp_http":
        assert {request.headers.get("content-encoding", "none") for request in collector.requests} == {compression}


@pytest.mark.parametrize("status", [429, 503])
async def test_what_the_collector_wants_again_comes_again_when_it_wants_it(
    collector: OtlpCollector, protocol: str, status: int
) -> None:
    async with exporting(config_for(collector, protocol, tracer_config=_SOON)) as service:
        await wait_until(lambda: collector.requests, otherwise=lambda: "no greeting")
        collector.answer(status, retry_after_seconds=0.4, times=1)
        began = time.monotonic()
        service.make_spans(3)
        await wait_until(lambda: collector.span_count, otherwise=lambda: "nothing came again")
        assert time.monotonic() - began > 0.4
        assert (collector.span_count, service.exporter.lost(Signal.TRACES)) == (3, 0)


async def test_what_the_collector_refuses_is_lost_and_counted_and_the_next_goes_through(
    collector: OtlpCollector, protocol: str
) -> None:
    async with exporting(config_for(collector, protocol)) as service:
        await wait_until(lambda: collector.requests, otherwise=lambda: "no greeting")
        collector.answer(400, times=1)
        service.make_spans(2)
        assert await service.exporter.flush(5)
        assert service.exporter.lost(Signal.TRACES) == 2
        service.make_spans(1, "after")
        assert await service.exporter.flush(5)
    assert [span.name for span in collector.spans] == ["after"]


async def test_an_outage_shows_in_health_as_optional_and_ends_by_itself_without_traffic(
    collector: OtlpCollector, protocol: str
) -> None:
    async with exporting(config_for(collector, protocol)) as service:
        await wait_until(lambda: collector.requests, otherwise=lambda: "no greeting")
        collector.refuse()
        service.make_spans(1)
        assert await service.exporter.flush(5)
        await wait_until(
            lambda: service.collector.status.next_try_at, otherwise=lambda: "nobody noticed that it is away"
        )
        assert service.collector.status.health is HealthStatusEnum.UNHEALTHY
        assert not service.collector.required
        assert str(service.collector.status.reason).startswith("traces: ")
        collector.heal()
        await wait_until(
            lambda: service.collector.status.health is HealthStatusEnum.HEALTHY,
            otherwise=lambda: str(service.collector.status),
        )


async def test_a_full_queue_drops_and_counts_and_makes_nobody_wait(collector: OtlpCollector, protocol: str) -> None:
    collector.hang()
    tracer = {"max_queue_size": 100, "max_export_batch_size": 10, "schedule_delay_millis": 20}
    async with exporting(config_for(collector, protocol, tracer_config=tracer, closing_timeout=0.3)) as service:
        began = time.monotonic()
        service.make_spans(20_000)
        assert time.monotonic() - began < 5, "the thread that makes spans waited for the collector"
        collector.heal()
    await wait_until(
        lambda: collector.span_count + service.exporter.lost(Signal.TRACES) == 20_000,
        otherwise=lambda: f"{collector.span_count} + {service.exporter.lost(Signal.TRACES)} spans",
    )
    assert service.exporter.lost(Signal.TRACES) > 0


@pytest.mark.parametrize("trouble", ["hang", "refuse", "garbage"])
async def test_a_stop_ends_within_its_budget_whatever_the_collector_does(
    collector: OtlpCollector, protocol: str, trouble: str
) -> None:
    async with exporting(config_for(collector, protocol, closing_timeout=0.3)) as service:
        await wait_until(lambda: collector.requests, otherwise=lambda: "no greeting")
        getattr(collector, trouble)()
        service.make_spans(600)
        await asyncio.sleep(0.1)  # the first batch is under way, and has 10 s
        began = time.monotonic()
    assert time.monotonic() - began < 1.5, "0.3 s and some slack for the machine"
    assert "telemetry export" not in {thread.name for thread in threading.enumerate()}
    collector.heal()


async def test_a_stop_sends_what_is_left(collector: OtlpCollector, protocol: str) -> None:
    async with exporting(config_for(collector, protocol)) as service:
        service.make_spans(700)
    assert collector.span_count == 700
