"""OTLP over gRPC, https://opentelemetry.io/docs/specs/otlp/#otlpgrpc."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import grpc  # type: ignore[import-untyped]  # it has no types
from google.protobuf.duration_pb2 import Duration  # type: ignore[import-untyped]  # it has no types
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # it has no types
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # it has no types

from fastapi_factory_utilities.testing.otlp.received import Received
from fastapi_factory_utilities.testing.otlp.records import ExportRequest
from fastapi_factory_utilities.testing.otlp.script import Answer, Script, wait_for
from fastapi_factory_utilities.testing.ports import ReservedPort

__all__ = ["GrpcDoor"]

_SERVICES: Final = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
}
# The mapping that gRPC has for gateways, the other way round.
_CODES: Final = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    502: grpc.StatusCode.UNAVAILABLE,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
_GARBAGE: Final = b"\xff\xfe this is no OTLP"
# More than exporters ever have waiting at once, so that one that hangs does not keep others out.
_THREADS: Final = 32


class GrpcDoor:
    """Listens for gRPC; may be closed and opened again on the same port.

    Args:
        received: Where to keep what comes.
        script: What to answer.
    """

    def __init__(self, received: Received, script: Script) -> None:
        self._received, self._script = received, script
        self._reserved = ReservedPort()
        self.port: int = self._reserved.port
        self._server: Any = None

    def open(self) -> None:
        """Listen."""
        if self._server is not None:
            return
        server = grpc.server(ThreadPoolExecutor(_THREADS, "otlp-grpc"), options=[("grpc.so_reuseport", 0)])
        server.add_generic_rpc_handlers(tuple(self._service(*service) for service in _SERVICES.items()))
        server.add_insecure_port(f"127.0.0.1:{self.port}")
        server.start()
        self._server = server

    def close(self) -> None:
        """Refuse connections, and break those off that are open."""
        server, self._server = self._server, None
        if server is not None:
            server.stop(None).wait()

    def release(self) -> None:
        """Close it for good, and give the port back."""
        self.close()
        self._reserved.release()

    def _service(self, signal: str, name: str) -> Any:  # noqa: ANN401 - grpc has no types
        export = grpc.unary_unary_rpc_method_handler(partial(self._export, signal, f"/{name}/Export"))
        return grpc.method_handlers_generic_handler(name, {"Export": export})

    def _export(self, signal: str, path: str, body: bytes, call: Any) -> bytes:  # noqa: ANN401 - grpc has no types
        answer, released = self._script.next()
        said = wait_for(answer, released)
        if said and answer.is_thanks and not self._received.keep(signal, body):
            answer = Answer(400)
        headers = {key: value for key, value in call.invocation_metadata() if isinstance(value, str)}
        self._received.note(ExportRequest("grpc", signal, path, headers, body, answer.status if said else 0))
        if not said:
            call.abort(grpc.StatusCode.CANCELLED, "nobody answers")
        if not answer.is_thanks:
            self._refuse(answer, call)
        return _GARBAGE if answer.garbage else b""

    def _refuse(self, answer: Answer, call: Any) -> None:  # noqa: ANN401 - grpc has no types
        code = _CODES.get(answer.status, grpc.StatusCode.UNKNOWN)
        if answer.retry_after_seconds is not None:
            status = Status(code=code.value[0], message="come again")
            delay = Duration()
            delay.FromMilliseconds(round(answer.retry_after_seconds * 1000))
            status.details.add().Pack(RetryInfo(retry_delay=delay))
            call.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        call.abort(code, "come again")
