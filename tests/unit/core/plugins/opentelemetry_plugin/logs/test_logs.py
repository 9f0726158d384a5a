"""Log lines: the ids in them, and their way to the collector."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace

from fastapi_factory_utilities.core.logs import configure_logging, get_logger, reset_logging
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryPlugin
from fastapi_factory_utilities.core.redaction import preserved_secrets, register_secrets
from fastapi_factory_utilities.testing.conformance.stage import build
from fastapi_factory_utilities.testing.otlp import OtlpCollector
from fastapi_factory_utilities.testing.running import lifespan

_log = get_logger("shop.orders")


@pytest.fixture
def collector() -> Iterator[OtlpCollector]:
    with OtlpCollector() as collector:
        yield collector


@pytest.fixture(autouse=True)
def _json_lines() -> Iterator[None]:
    yield
    reset_logging()


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


def _find_book() -> None:
    raise LookupError("no such book")


async def test_every_line_inside_a_span_has_its_ids_and_none_after_the_stop(
    capsys: pytest.CaptureFixture[str],
) -> None:
    application = build([OpenTelemetryPlugin(environ={})], {"opentelemetry": {"exporter": "none"}})
    telemetry = application.telemetry_slot.current
    foreign = trace.NonRecordingSpan(trace.SpanContext(5, 6, is_remote=True))
    async with lifespan(application):
        configure_logging("json")
        _log.warning("outside")
        with telemetry.span("x"):
            ids = telemetry.ids()
            _log.warning("inside")
            logging.getLogger("library").warning("inside, too")
        with trace.use_span(foreign):
            _log.warning("of another library")
    with telemetry.span("x"):
        _log.warning("after")
    found = {line["event"]: (line.get("trace_id"), line.get("span_id")) for line in _lines(capsys)}
    assert ids is not None
    assert found["outside"] == found["after"] == (None, None)
    assert found["inside"] == found["inside, too"] == ids
    assert found["of another library"] == (f"{5:032x}", f"{6:016x}")


@pytest.mark.parametrize("protocol", ["otlp_http", "otlp_grpc"])
async def test_lines_reach_the_collector_as_records_of_their_span_and_without_secrets(
    collector: OtlpCollector, protocol: str
) -> None:
    endpoint = collector.http_endpoint if protocol == "otlp_http" else collector.grpc_endpoint
    section = {"endpoint": endpoint, "protocol": protocol, "logs_config": {"exporter": "otlp"}}
    application = build([OpenTelemetryPlugin(environ={})], {"opentelemetry": section}, log_level="debug")
    telemetry = application.telemetry_slot.current
    async with lifespan(application):
        configure_logging("json", [("root", "DEBUG")])
        with preserved_secrets(), telemetry.span("x"):
            register_secrets(["planted-secret-value"])
            ids = telemetry.ids()
            _log.debug("too quiet")
            try:
                _find_book()
            except LookupError as error:
                _log.error("order failed", book=7, tags=["a", "b"], token="planted-secret-value", exc_info=error)
    (entry,) = [entry for entry in collector.logs if entry.body == "order failed"]
    assert (entry.trace_id, entry.span_id) == ids
    assert (entry.severity, entry.severity_number, entry.scope) == ("ERROR", 17, "shop.orders")
    assert entry.attributes["book"] == 7
    assert list(entry.attributes["tags"]) == ["a", "b"]
    assert (entry.attributes["exception.type"], entry.attributes["exception.message"]) == (
        "LookupError",
        "no such book",
    )
    assert "test_logs.py" in entry.attributes["exception.stacktrace"]
    assert "planted" not in str(collector.logs)
    assert not [each for each in collector.logs if each.body == "too quiet"]
    assert entry.resource["service.name"]


async def test_the_exports_own_lines_are_never_exported_and_lines_without_shape_are_bodies(
    collector: OtlpCollector, capsys: pytest.CaptureFixture[str]
) -> None:
    section = {"endpoint": collector.http_endpoint, "logs_config": {"exporter": "otlp"}}
    application = build([OpenTelemetryPlugin(environ={})], {"opentelemetry": section})
    async with lifespan(application):
        configure_logging("console")
        collector.refuse()
        _log.warning("for people", book=7)
        await collector.wait_for(lambda _: "telemetry export failing" in capsys.readouterr().out)
        collector.heal()
        await collector.wait_for(lambda it: any("for people" in str(entry.body) for entry in it.logs))
    assert not [entry for entry in collector.logs if "export" in str(entry.body)]
