"""The section `opentelemetry`."""

import re
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr, model_validator

from fastapi_factory_utilities.core.frozen import FrozenModel
from fastapi_factory_utilities.core.plugins.config import PluginConfig
from fastapi_factory_utilities.core.rules import broken_rule

__all__ = ["KeepConfig", "LimitsConfig", "LogsConfig", "MeterConfig", "OpenTelemetryConfig", "TracerConfig"]

_GRPC_PORT: Final = 4317

Exporter = Literal["otlp", "none"]


def _check_endpoint(endpoint: str) -> str:
    """Refuse what is no address of a collector, without showing it: people put credentials there."""
    try:
        parts = urlsplit(endpoint)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or parts.username or parts.password or parts.query or parts.fragment:
        raise broken_rule(
            "must be http:// or https://, a host and a port, such as http://localhost:4318; credentials are headers"
        )
    return endpoint.rstrip("/")


def _as_list(value: Any) -> Any:  # noqa: ANN401 - what the file says; pydantic judges it
    """Read a comma-separated text, too, since variables hold nothing else."""
    return [part for each in value.split(",") if (part := each.strip())] if isinstance(value, str) else value


def _check_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error:
        raise broken_rule("must be a regular expression") from None
    return pattern


Endpoint = Annotated[str, AfterValidator(_check_endpoint)]
Pattern = Annotated[str, AfterValidator(_check_pattern)]


class LimitsConfig(FrozenModel):
    """How much one span holds; what is beyond is dropped, and counted."""

    attributes: int = Field(default=128, ge=1, description="Attributes of a span, an event or a link.")
    events: int = Field(default=128, ge=0, description="Events of a span.")
    links: int = Field(default=128, ge=0, description="Links of a span.")
    value_length: int | None = Field(default=None, ge=1, description="Characters of a text; null for all.")


class KeepConfig(FrozenModel):
    """What is kept of the traces that are not sampled."""

    errors: bool = Field(
        default=False,
        description="Keep what this service did in a trace in which something failed here, sampled or not. Every "
        "trace is recorded until it ends then, which costs as much as sampling all, exporting apart.",
    )
    slow_seconds: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="Likewise for what lasted this long here; null keeps none for that.",
    )


class TracerConfig(FrozenModel):
    """Spans: which are recorded, and how they are exported."""

    exporter: Exporter | None = Field(default=None, description="Whether spans are exported; null is as `exporter`.")
    endpoint: Endpoint | None = Field(
        default=None, description="Where spans go, when not to `endpoint`; used as it is."
    )
    sampler: Literal["ratio", "parentbased_ratio"] = Field(
        default="parentbased_ratio",
        description="parentbased_ratio records what began elsewhere if it is recorded there; ratio does not ask.",
    )
    sampling_ratio: float = Field(
        default=1.0, ge=0, le=1, description="The share of the traces that begin here which is recorded."
    )
    keep: KeepConfig = Field(default=KeepConfig(), description="What is kept of the others.")
    limits: LimitsConfig = Field(default=LimitsConfig(), description="How much one span holds.")
    max_queue_size: int = Field(default=2048, ge=1, description="Spans that wait to be exported; more are dropped.")
    max_export_batch_size: int = Field(default=512, ge=1, description="Spans in one export.")
    schedule_delay_millis: int = Field(default=5000, ge=1, description="How long a span waits for others.")
    export_timeout_millis: int = Field(
        default=30_000, ge=1, description="How long one batch is tried, repetitions included."
    )


class MeterConfig(FrozenModel):
    """Metrics: pushed, pulled, both or neither."""

    exporter: Exporter | None = Field(default=None, description="Whether metrics are pushed; null is as `exporter`.")
    endpoint: Endpoint | None = Field(default=None, description="Where metrics go, when not to `endpoint`; as it is.")
    reader_interval_millis: int = Field(default=60_000, ge=1, description="The time between two pushes.")
    reader_timeout_millis: int = Field(default=30_000, ge=1, description="How long one push may take.")
    pull: bool = Field(default=False, description="Whether metrics can be pulled, in OpenMetrics with exemplars.")
    pull_path: Annotated[str, Field(pattern=r"^/\S+$")] = Field(default="/metrics", description="Where.")


class LogsConfig(FrozenModel):
    """Log lines: the ids of the trace in each, and their export."""

    exporter: Exporter = Field(default="none", description="Whether log lines are exported as well as written.")
    endpoint: Endpoint | None = Field(default=None, description="Where lines go, when not to `endpoint`; as it is.")
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The quietest lines that are exported."
    )


class OpenTelemetryConfig(PluginConfig):
    """The section `opentelemetry`; where it is silent, the standard `OTEL_*` variables speak."""

    enabled: bool = Field(
        default=True,
        validation_alias=AliasChoices("enabled", "activate"),
        description="false switches the plugin off: nothing is recorded, and no extra is needed. Also: activate.",
    )
    exporter: Exporter = Field(default="otlp", description="otlp sends to `endpoint`; none sends nothing anywhere.")
    endpoint: Endpoint = Field(
        default="http://localhost:4318",
        description="The collector; over HTTP, the path of each signal is appended (/v1/traces).",
    )
    protocol: Literal["otlp_http", "otlp_grpc"] | None = Field(
        default=None, description="How to talk to it; null is gRPC for port 4317 and HTTP for any other."
    )
    headers: dict[str, SecretStr] = Field(
        default={}, description="Headers, or gRPC metadata, of every export; credentials belong here."
    )
    compression: Literal["gzip", "none"] = Field(default="gzip", description="How exports are compressed.")
    ca_file: str | None = Field(default=None, description="Whom to trust for https, a PEM file; null is the system.")
    client_certfile: str | None = Field(default=None, description="The certificate to show, a PEM file.")
    client_keyfile: str | None = Field(default=None, description="Its key, a PEM file.")
    timeout: float = Field(
        default=10.0, gt=0, allow_inf_nan=False, description="Seconds that the collector has for one answer."
    )
    closing_timeout: float = Field(
        default=5.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds that a stop waits for what was not exported yet; the rest is lost.",
    )
    propagators: Annotated[
        tuple[Literal["tracecontext", "baggage", "b3", "b3multi"], ...], BeforeValidator(_as_list)
    ] = Field(
        default=("tracecontext", "baggage", "b3"),
        description="The headers that traces are read from and written to; a list, or a text with commas.",
    )
    excluded_urls: Annotated[tuple[Pattern, ...], BeforeValidator(_as_list)] = Field(
        default=(),
        description="Requests have no span if one of these regular expressions is found in their path; a list, or a "
        "text with commas. Probes never have one.",
    )
    resource_attributes: dict[str, str | bool | int | float] = Field(
        default={}, description="What else is said of the service; beats what is known of it."
    )
    tracer_config: TracerConfig = Field(default=TracerConfig(), description="Spans.")
    meter_config: MeterConfig = Field(default=MeterConfig(), description="Metrics.")
    logs_config: LogsConfig = Field(default=LogsConfig(), description="Log lines.")

    @model_validator(mode="after")
    def _batches_fit(self) -> Self:
        tracer = self.tracer_config
        if tracer.max_export_batch_size > tracer.max_queue_size:
            raise broken_rule("tracer_config.max_export_batch_size must not be larger than max_queue_size")
        if bool(self.client_certfile) != bool(self.client_keyfile):
            raise broken_rule("client_certfile and client_keyfile need each other")
        return self

    @property
    def is_grpc(self) -> bool:
        """Whether the collector is talked to in gRPC."""
        if self.protocol is None:
            return urlsplit(self.endpoint).port == _GRPC_PORT
        return self.protocol == "otlp_grpc"

    def exports(self, signal: Literal["traces", "metrics", "logs"]) -> bool:
        """Say whether a signal is sent to the collector."""
        if signal == "logs":
            return self.logs_config.exporter == "otlp"
        own = self.tracer_config.exporter if signal == "traces" else self.meter_config.exporter
        return (own or self.exporter) == "otlp"

    def endpoint_of(self, signal: Literal["traces", "metrics", "logs"]) -> str:
        """Return where a signal goes: over HTTP the whole URL, over gRPC the server."""
        own = {
            "traces": self.tracer_config.endpoint,
            "metrics": self.meter_config.endpoint,
            "logs": self.logs_config.endpoint,
        }[signal]
        if own is not None or self.is_grpc:
            return own or self.endpoint
        return f"{self.endpoint}/v1/{signal}"
