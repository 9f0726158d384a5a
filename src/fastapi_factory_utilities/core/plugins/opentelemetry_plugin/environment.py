"""The standard `OTEL_*` variables: the only place below the application where the environment is read.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/; where a variable and the section both
speak, the section wins. A value that cannot be used is told and ignored, as the specification says.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import unquote

from pydantic import ValidationError

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.config import OpenTelemetryConfig

__all__ = ["is_switched_off", "with_environment"]

_log = get_logger(__name__)

type _Tree = dict[str, Any]


class _UnusableError(ValueError):
    """A value cannot be used; the text says why, without the value."""


def is_switched_off(environ: Mapping[str, str]) -> bool:
    """Say whether `OTEL_SDK_DISABLED` is true."""
    return environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def with_environment(config: OpenTelemetryConfig, environ: Mapping[str, str]) -> OpenTelemetryConfig:
    """Fill in, from the variables, what the section does not say.

    Args:
        config: The section.
        environ: The variables.
    """
    said = _said(config)
    readings = list(_readings(environ, said))
    while readings:
        candidate: _Tree = {}
        for _, path, value in readings:
            _put(candidate, path, value)
        try:
            return type(config).model_validate(_merge(candidate, said))
        except ValidationError as error:
            wrong = _blamed(readings, error)
        _ignore(wrong.name, "the section would not accept its value")
        readings.remove(wrong)
    return config


class _Reading(NamedTuple):
    """What a variable says.

    Attributes:
        name: The variable.
        path: The key that it speaks of.
        value: What it says.
    """

    name: str
    path: tuple[str, ...]
    value: object


def _readings(environ: Mapping[str, str], said: _Tree) -> Iterator[_Reading]:
    """Read every variable that is set and not overruled; an empty one is as good as none."""
    for name, (path, read) in _VARIABLES.items():
        text = environ.get(name, "").strip()
        if text and not _is_overruled(path, said):
            try:
                yield _Reading(name, path, read(text))
            except _UnusableError as error:
                _ignore(name, str(error))
            except ValueError:  # its text would show the value
                _ignore(name, "it must be a number")


def _blamed(readings: Sequence[_Reading], error: ValidationError) -> _Reading:
    """Say which of them to do without: one that is wrong by itself; else one that does not go with the others."""
    places = [problem["loc"] for problem in error.errors(include_input=False, include_context=False, include_url=False)]
    wrong = [reading for reading in readings if any(place[: len(reading.path)] == reading.path for place in places)]
    return max(wrong, key=lambda reading: len(reading.path)) if wrong else readings[-1]


def _ignore(name: str, reason: str) -> None:
    _log.warning("environment variable ignored", variable=name, reason=reason)


def _said(config: OpenTelemetryConfig) -> _Tree:
    """What the section says, and nothing of its defaults."""
    return config.model_dump(exclude_unset=True)


def _is_overruled(path: tuple[str, ...], said: _Tree) -> bool:
    """Say whether the section speaks of this; its endpoint is meant for every signal."""
    if path[-1] == "endpoint" and "endpoint" in said:
        return True
    if path[-1] == "exporter" and "exporter" in said:
        return True
    node: Any = said
    for key in path:
        if not isinstance(node, dict) or key not in node:
            return False
        node = node[key]
    return not isinstance(node, dict)


def _merge(below: _Tree, above: _Tree) -> _Tree:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _merge(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _put(tree: _Tree, path: tuple[str, ...], value: object) -> None:
    *parents, last = path
    for key in parents:
        tree = tree.setdefault(key, {})
    if isinstance(value, dict):
        tree[last] = {**tree.get(last, {}), **value}
    else:
        tree[last] = value


# How each is read


def _protocol(text: str) -> str:
    known: dict[str, Literal["otlp_grpc", "otlp_http"]] = {"grpc": "otlp_grpc", "http/protobuf": "otlp_http"}
    if text not in known:
        raise _UnusableError("grpc and http/protobuf are known")
    return known[text]


def _pairs(text: str) -> dict[str, str]:
    """Read `key=value,key=value`, percent-encoded, as for headers and resource attributes."""
    found: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise _UnusableError("it must be key=value, with commas between")
        found[unquote(key.strip())] = unquote(value.strip())
    return found


def _seconds(text: str) -> float:
    return float(text) / 1000


def _exporter(text: str) -> str:
    names = {part.strip() for part in text.split(",")}
    if names <= {"none"}:
        return "none"
    if "otlp" in names:
        return "otlp"
    raise _UnusableError("otlp and none are known")


def _service_name(text: str) -> dict[str, str]:
    return {"service.name": text}


def _propagators(text: str) -> list[str]:
    return [part for each in text.split(",") if (part := each.strip()) and part != "none"]


def _sampler(text: str) -> dict[str, object]:
    known: dict[str, dict[str, object]] = {
        "always_on": {"sampler": "ratio", "sampling_ratio": 1.0},
        "always_off": {"sampler": "ratio", "sampling_ratio": 0.0},
        "traceidratio": {"sampler": "ratio"},
        "parentbased_always_on": {"sampler": "parentbased_ratio", "sampling_ratio": 1.0},
        "parentbased_always_off": {"sampler": "parentbased_ratio", "sampling_ratio": 0.0},
        "parentbased_traceidratio": {"sampler": "parentbased_ratio"},
    }
    if text not in known:
        raise _UnusableError(f"{', '.join(known)} are known")
    return known[text]


def _endpoint(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise _UnusableError("it must begin with http:// or https://")
    return text


def _text(text: str) -> str:
    return text


type _Variable = tuple[tuple[str, ...], Callable[[str], object]]

# In this order: what comes later beats what comes before.
_VARIABLES: Final[dict[str, _Variable]] = {
    "OTEL_RESOURCE_ATTRIBUTES": (("resource_attributes",), _pairs),
    "OTEL_SERVICE_NAME": (("resource_attributes",), _service_name),
    "OTEL_PROPAGATORS": (("propagators",), _propagators),
    "OTEL_EXPORTER_OTLP_ENDPOINT": (("endpoint",), _endpoint),
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": (("tracer_config", "endpoint"), _endpoint),
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": (("meter_config", "endpoint"), _endpoint),
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": (("logs_config", "endpoint"), _endpoint),
    "OTEL_EXPORTER_OTLP_PROTOCOL": (("protocol",), _protocol),
    "OTEL_EXPORTER_OTLP_HEADERS": (("headers",), _pairs),
    "OTEL_EXPORTER_OTLP_COMPRESSION": (("compression",), _text),
    "OTEL_EXPORTER_OTLP_CERTIFICATE": (("ca_file",), _text),
    "OTEL_EXPORTER_OTLP_CLIENT_KEY": (("client_keyfile",), _text),
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": (("client_certfile",), _text),
    "OTEL_EXPORTER_OTLP_TIMEOUT": (("timeout",), _seconds),
    "OTEL_TRACES_EXPORTER": (("tracer_config", "exporter"), _exporter),
    "OTEL_METRICS_EXPORTER": (("meter_config", "exporter"), _exporter),
    "OTEL_LOGS_EXPORTER": (("logs_config", "exporter"), _exporter),
    "OTEL_TRACES_SAMPLER": (("tracer_config",), _sampler),
    "OTEL_TRACES_SAMPLER_ARG": (("tracer_config", "sampling_ratio"), float),
    "OTEL_BSP_MAX_QUEUE_SIZE": (("tracer_config", "max_queue_size"), int),
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": (("tracer_config", "max_export_batch_size"), int),
    "OTEL_BSP_SCHEDULE_DELAY": (("tracer_config", "schedule_delay_millis"), int),
    "OTEL_BSP_EXPORT_TIMEOUT": (("tracer_config", "export_timeout_millis"), int),
    "OTEL_ATTRIBUTE_COUNT_LIMIT": (("tracer_config", "limits", "attributes"), int),
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": (("tracer_config", "limits", "value_length"), int),
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": (("tracer_config", "limits", "attributes"), int),
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": (("tracer_config", "limits", "value_length"), int),
    "OTEL_SPAN_EVENT_COUNT_LIMIT": (("tracer_config", "limits", "events"), int),
    "OTEL_SPAN_LINK_COUNT_LIMIT": (("tracer_config", "limits", "links"), int),
    "OTEL_METRIC_EXPORT_INTERVAL": (("meter_config", "reader_interval_millis"), int),
    "OTEL_METRIC_EXPORT_TIMEOUT": (("meter_config", "reader_timeout_millis"), int),
    "OTEL_PYTHON_EXCLUDED_URLS": (("excluded_urls",), _text),
    "OTEL_PYTHON_FASTAPI_EXCLUDED_URLS": (("excluded_urls",), _text),
}
