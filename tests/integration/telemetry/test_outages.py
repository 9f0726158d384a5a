"""The collector is down, slow or unwilling: that costs spans, and nothing else."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from fastapi_factory_utilities.testing.otlp import OtlpCollector
from tests.integration.telemetry.shop import build, served, telemetry_to

OUTAGES: dict[str, Callable[[OtlpCollector], None]] = {
    "refusing": lambda collector: collector.refuse(),
    "slow": lambda collector: collector.slow(0.2),
    "busy": lambda collector: collector.answer(429, retry_after_seconds=0.05),
    "unwell": lambda collector: collector.answer(503),
    "hanging": lambda collector: collector.hang(),
    "talking nonsense": lambda collector: collector.garbage(),
}
LOSING = {"refusing", "busy", "unwell", "hanging"}
IMPATIENT: dict[str, Any] = {
    "timeout": 0.3,
    "closing_timeout": 0.3,
    "tracer_config": {"max_queue_size": 64, "max_export_batch_size": 8, "schedule_delay_millis": 5},
    "meter_config": {"reader_interval_millis": 20, "reader_timeout_millis": 100},
}


def _complaints(text: str) -> list[dict[str, Any]]:
    """The log lines from warning up."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if line["level"] in {"warning", "error", "critical"}]


@pytest.mark.parametrize(
    ("outage", "protocol"),
    [*((outage, "http") for outage in OUTAGES), *((outage, "grpc") for outage in ("refusing", "busy", "hanging"))],
)
async def test_requests_are_answered_the_log_stays_calm_and_the_stop_is_in_time(
    otlp_collector: OtlpCollector, outage: str, protocol: str, capfd: pytest.CaptureFixture[str]
) -> None:
    OUTAGES[outage](otlp_collector)
    app = build(telemetry_to(otlp_collector, protocol, **IMPATIENT))
    async with served(app) as client:
        slowest = 0.0
        for _ in range(30):
            began = time.monotonic()
            assert (await client.get("/api/books/7")).status_code == 200
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 0.3  # whoever waited for the collector waited longer
        assert (await client.get("/api/v1/sys/readiness")).status_code == 200
        assert (await client.get("/api/v1/sys/health")).status_code == 200
        components = (await client.get("/api/v1/sys/health/components")).json()["components"]
        assert components["telemetry:collector"]["required"] is False
        began = time.monotonic()
    assert time.monotonic() - began < 0.3 + 1.5  # the budget, and what everything else takes on a busy machine
    complaints = _complaints(capfd.readouterr().out)
    assert len(complaints) <= 10, complaints
    told = {line["event"] for line in complaints}
    assert outage not in LOSING or {"telemetry export failing", "telemetry lost"} <= told


@pytest.mark.parametrize("protocol", ["http", "grpc"])
async def test_after_an_outage_spans_arrive_again_those_of_the_outage_included(
    otlp_collector: OtlpCollector, protocol: str
) -> None:
    otlp_collector.refuse()
    async with served(build(telemetry_to(otlp_collector, protocol))) as client:
        await client.get("/api/shelves/1")
        await client.get("/api/shelves/2")
        otlp_collector.heal()
        await client.get("/api/shelves/3")
        await otlp_collector.wait_for_spans(6)
    otlp_collector.assert_story("(GET * > weigh); (GET * > weigh); (GET * > weigh)")
