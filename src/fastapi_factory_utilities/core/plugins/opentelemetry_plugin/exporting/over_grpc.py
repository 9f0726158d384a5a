"""OTLP over gRPC: octets in, octets out; no generated classes."""

from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import grpc  # type: ignore[import-untyped]  # has no types; types-grpcio is not worth a dependency

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.answers import retry_delay, thanks
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.target import (
    Outcome,
    Signal,
    Target,
)

__all__ = ["GrpcTransport"]

_METHODS: Final = {
    Signal.TRACES: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    Signal.METRICS: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    Signal.LOGS: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
_PORT: Final = 4317
_AGAIN: Final = frozenset(  # OTLP, "Failures" over gRPC; RESOURCE_EXHAUSTED only with a RetryInfo
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
_OPTIONS: Final = (
    ("grpc.enable_retries", 0),  # ours honour RetryInfo, and stop when we stop
    ("grpc.primary_user_agent", "fastapi-factory-utilities-otlp"),
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)
_LONGEST_REASON: Final = 200


class GrpcTransport:
    """Calls `Export` of one signal's service. A `Transport`.

    Args:
        target: Where to.
        signal: Which service.
    """

    def __init__(self, target: Target, signal: Signal) -> None:
        self._target = target
        self._signal = signal
        self._metadata = tuple((name.lower(), value) for name, value in target.headers)
        self._channel: grpc.Channel | None = None
        self._call: Any = None  # grpc has no public name for what `unary_unary` gives

    def send(self, payload: bytes, timeout_seconds: float) -> Outcome:
        """Call once; gRPC keeps the connection, and makes it anew when it broke."""
        try:
            if self._channel is None:
                self._channel = self._connect()
                self._call = self._channel.unary_unary(_METHODS[self._signal])
            answer: bytes = self._call(payload, timeout=timeout_seconds, metadata=self._metadata)
        except grpc.RpcError as error:
            return _failure(error)
        except (OSError, ValueError) as error:  # no certificate; closed by `abort`
            return Outcome(taken=False, again=True, reason=f"{type(error).__name__}: {error}")
        return thanks(answer)

    def abort(self) -> None:
        """Break off what is under way."""
        channel = self._channel
        if channel is not None:
            channel.close()

    def close(self) -> None:
        """Close the channel."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def _connect(self) -> grpc.Channel:
        target = self._target
        url = urlsplit(target.url if "//" in target.url else f"//{target.url}")
        host = url.hostname or "localhost"
        address = f"{f'[{host}]' if ':' in host else host}:{url.port or _PORT}"
        compression = grpc.Compression.Gzip if target.gzip else None
        if target.plain:
            return grpc.insecure_channel(address, options=_OPTIONS, compression=compression)
        credentials = grpc.ssl_channel_credentials(
            root_certificates=_read(target.ca_file),
            private_key=_read(target.key_file),
            certificate_chain=_read(target.certificate_file),
        )
        return grpc.secure_channel(address, credentials, options=_OPTIONS, compression=compression)


def _failure(error: grpc.RpcError) -> Outcome:
    # What is raised is a `grpc.Call` as well, which the class does not say.
    code, details, trailers = error.code(), error.details(), error.trailing_metadata()
    wait = retry_delay(dict(trailers or ()).get("grpc-status-details-bin"))
    again = code in _AGAIN or (code is grpc.StatusCode.RESOURCE_EXHAUSTED and wait is not None)
    reason = f"gRPC {code.name}: {' '.join((details or '').split())}"
    return Outcome(taken=False, again=again, wait_seconds=wait, reason=reason[:_LONGEST_REASON])


def _read(file: str | None) -> bytes | None:
    return Path(file).read_bytes() if file else None
