"""The `OTEL_*` variables: honoured where the section is silent, and never a reason not to start."""

import pytest
from structlog.testing import capture_logs

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryConfig
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.environment import is_switched_off, with_environment


def test_every_variable_fills_in_what_the_section_does_not_say() -> None:
    config = with_environment(
        OpenTelemetryConfig(resource_attributes={"team": "a"}),
        {
            "OTEL_SERVICE_NAME": "shop",
            "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,team=b,region=eu%2Cwest",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317/",
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://logs:9/x",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=a%20b",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2500",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_TRACES_SAMPLER": "traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0.25",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_ATTRIBUTE_COUNT_LIMIT": "10",
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "20",
            "OTEL_PROPAGATORS": "tracecontext, b3multi",
            "OTEL_PYTHON_EXCLUDED_URLS": "/admin,^/x$",
            "OTEL_METRIC_EXPORT_INTERVAL": "",
        },
    )
    assert config.resource_attributes == {"service.name": "shop", "team": "a", "region": "eu,west"}
    assert config.is_grpc
    assert config.endpoint_of("traces") == "http://collector:4317"
    assert config.endpoint_of("logs") == "http://logs:9/x"
    assert config.headers["x-api-key"].get_secret_value() == "a b"
    assert (config.timeout, config.compression) == (2.5, "none")
    assert [config.exports(signal) for signal in ("traces", "metrics", "logs")] == [True, False, False]
    assert (config.tracer_config.sampler, config.tracer_config.sampling_ratio) == ("ratio", 0.25)
    assert config.tracer_config.schedule_delay_millis == 100
    assert config.tracer_config.limits.attributes == 20
    assert config.propagators == ("tracecontext", "b3multi")
    assert config.excluded_urls == ("/admin", "^/x$")
    assert config.meter_config.reader_interval_millis == 60_000


def test_the_section_wins_where_it_speaks() -> None:
    section = OpenTelemetryConfig.model_validate(
        {"endpoint": "http://mine:4318", "exporter": "none", "tracer_config": {"sampling_ratio": 0.5}}
    )
    config = with_environment(
        section,
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://other:1",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://other:1/v1/traces",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_TRACES_SAMPLER": "always_off",
            "OTEL_TRACES_SAMPLER_ARG": "0.1",
        },
    )
    assert config.endpoint_of("traces") == "http://mine:4318/v1/traces"
    assert not config.exports("traces")
    assert (config.tracer_config.sampler, config.tracer_config.sampling_ratio) == ("ratio", 0.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_TRACES_SAMPLER", "jaeger-p1anted"),
        ("OTEL_TRACES_SAMPLER_ARG", "p1anted"),
        ("OTEL_TRACES_SAMPLER_ARG", "7.1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:p1anted@host"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "p1anted"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/only/one/of/two"),
        ("OTEL_PROPAGATORS", "tracecontext,p1anted"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "3"),
    ],
)
def test_a_value_that_cannot_be_used_is_told_without_it_and_ignored(name: str, value: str) -> None:
    section = OpenTelemetryConfig(timeout=1)
    with capture_logs() as logs:
        assert with_environment(section, {name: value}) == section
    (line,) = logs
    assert (line["event"], line["variable"]) == ("environment variable ignored", name)
    assert "p1anted" not in str(line)


def test_values_that_need_each_other_are_taken_together_and_one_that_is_wrong_spoils_no_other() -> None:
    config = with_environment(
        OpenTelemetryConfig(),
        {
            "OTEL_BSP_MAX_QUEUE_SIZE": "100",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "50",
            "OTEL_EXPORTER_OTLP_CLIENT_KEY": "key.pem",
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "cert.pem",
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "2",
            "OTEL_SPAN_LINK_COUNT_LIMIT": "-1",
        },
    )
    tracer = config.tracer_config
    assert (tracer.max_queue_size, tracer.max_export_batch_size) == (100, 50)
    assert (config.client_keyfile, config.client_certfile) == ("key.pem", "cert.pem")
    assert (tracer.sampling_ratio, tracer.limits.links) == (1.0, 128)


def test_the_whole_of_it_can_be_switched_off() -> None:
    assert is_switched_off({"OTEL_SDK_DISABLED": " True "})
    assert not is_switched_off({"OTEL_SDK_DISABLED": "1"})
