"""OTLP over gRPC beyond what the scripted collector does: TLS both ways, and what is worth another attempt."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc  # type: ignore[import-untyped]  # has no types; types-grpcio is not worth a dependency
import pytest
import trustme

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.over_grpc import GrpcTransport
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.target import Signal, Target

_PARTIAL = b"\x0a\x09\x08\x03\x12\x05no :("  # 3 rejected


class _Service(grpc.GenericRpcHandler):  # type: ignore[misc]  # of a module without types
    """Answers every method with a partial success, or with the status that its metadata ask for."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        wanted = dict(details.invocation_metadata).get("x-answer")

        def answer(_: bytes, context: grpc.ServicerContext) -> bytes:
            if wanted is not None:
                context.abort(grpc.StatusCode[wanted], "as you wish")
            return _PARTIAL

        return grpc.unary_unary_rpc_method_handler(answer)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def port(authority: trustme.CA) -> Iterator[int]:
    theirs = authority.issue_cert("localhost")
    chain = b"".join(blob.bytes() for blob in theirs.cert_chain_pems)
    credentials = grpc.ssl_server_credentials(
        [(theirs.private_key_pem.bytes(), chain)], authority.cert_pem.bytes(), require_client_auth=True
    )
    server = grpc.server(ThreadPoolExecutor(2), [_Service()])
    port = server.add_secure_port("localhost:0", credentials)
    server.start()
    yield port
    server.stop(None).wait()


def _target(authority: trustme.CA, port: int, folder: Path, **headers: str) -> Target:
    ours = authority.issue_cert("client@books")
    files = {"ca": authority.cert_pem, "cert": ours.cert_chain_pems[0], "key": ours.private_key_pem}
    for name, blob in files.items():
        blob.write_to_path(str(folder / name))
    ca, cert, key = (str(folder / name) for name in files)
    return Target(
        f"https://localhost:{port}",
        tuple(headers.items()),
        gzip=True,
        ca_file=ca,
        certificate_file=cert,
        key_file=key,
        plain=False,
    )


@pytest.mark.parametrize("signal", list(Signal))
def test_the_collector_shows_a_certificate_and_wants_ours(
    authority: trustme.CA, port: int, tmp_path: Path, signal: Signal
) -> None:
    transport = GrpcTransport(_target(authority, port, tmp_path), signal)
    outcome = transport.send(b"", 5.0)
    transport.close()
    assert (outcome.taken, outcome.rejected, outcome.reason) == (True, 3, "no :(")
    if signal is Signal.TRACES:
        stranger = GrpcTransport(_target(trustme.CA(), port, tmp_path), signal)
        outcome = stranger.send(b"", 5.0)
        stranger.close()
        assert not outcome.taken
        assert outcome.again


@pytest.mark.parametrize(
    ("status", "again"),
    [("UNAVAILABLE", True), ("ABORTED", True), ("RESOURCE_EXHAUSTED", False), ("UNAUTHENTICATED", False)],
)
def test_only_what_may_pass_is_tried_again(
    authority: trustme.CA, port: int, tmp_path: Path, status: str, again: bool
) -> None:
    transport = GrpcTransport(_target(authority, port, tmp_path, **{"X-Answer": status}), Signal.TRACES)
    outcome = transport.send(b"", 5.0)
    transport.close()
    assert (outcome.taken, outcome.again) == (False, again)
    assert outcome.reason == f"gRPC {status}: as you wish"
