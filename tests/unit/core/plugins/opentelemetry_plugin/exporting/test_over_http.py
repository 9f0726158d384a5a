"""OTLP over HTTP beyond what the scripted collector does: TLS, proxies, connections that end."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.over_http import HttpTransport
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.target import Target


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answer = b"\x0a\x09\x08\x03\x12\x05no :("  # partial success: 3 rejected

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.peers.append(self.client_address)  # type: ignore[attr-defined]  # put there below
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _serving(context: ssl.SSLContext | None = None) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.peers = []  # type: ignore[attr-defined]  # what the handler fills
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_one_connection_serves_many_requests_and_a_partial_success_says_how_many_were_rejected() -> None:
    with _serving() as server:
        transport = HttpTransport(Target(f"http://127.0.0.1:{server.server_port}/v1/traces"))
        outcomes = [transport.send(b"", 2.0) for _ in range(3)]
        transport.close()
    assert all((outcome.taken, outcome.rejected, outcome.reason) == (True, 3, "no :(") for outcome in outcomes)
    assert len(set(server.peers)) == 1  # type: ignore[attr-defined]  # see `_serving`


def test_the_collector_shows_a_certificate_and_wants_ours(tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    ours, theirs = authority.issue_cert("client@books"), authority.issue_cert("localhost", "127.0.0.1")
    for name, blob in (
        ("ca", authority.cert_pem),
        ("stranger", stranger.cert_pem),
        ("cert", ours.cert_chain_pems[0]),
        ("key", ours.private_key_pem),
    ):
        blob.write_to_path(str(tmp_path / name))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED

    def transport_trusting(name: str) -> HttpTransport:
        ca, cert, key = (str(tmp_path / each) for each in (name, "cert", "key"))
        return HttpTransport(Target(url, ca_file=ca, certificate_file=cert, key_file=key, plain=False))

    with _serving(context) as server:
        url = f"https://localhost:{server.server_port}/v1/traces"
        good = transport_trusting("ca")
        assert good.send(b"", 2.0).taken
        good.close()
        refused = transport_trusting("stranger").send(b"", 2.0)
        assert not refused.taken
        assert "certificate" in refused.reason.lower()
        assert "FileNotFoundError" in transport_trusting("none").send(b"", 2.0).reason


def test_a_kept_connection_that_was_closed_meanwhile_costs_no_request() -> None:
    with _serving() as server:
        port = server.server_port
        transport = HttpTransport(Target(f"http://127.0.0.1:{port}/"))
        assert transport.send(b"", 2.0).taken
        connection = transport._connection
        assert connection is not None
        connection.sock.shutdown(socket.SHUT_RDWR)
        assert transport.send(b"", 2.0).taken
        transport.close()


@pytest.mark.parametrize("no_proxy", [False, True])
def test_a_proxy_of_the_environment_is_used_unless_it_is_told_not_to(
    monkeypatch: pytest.MonkeyPatch, no_proxy: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        asked: list[bytes] = []

        def serve() -> None:
            connection, _ = proxy.accept()
            with connection:
                asked.append(connection.recv(1000).split(b"\r\n")[0])
                connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "collector.invalid" if no_proxy else "")
        outcome = HttpTransport(Target("http://collector.invalid:4318/v1/traces")).send(b"", 2.0)
        assert outcome.again
        if no_proxy:
            assert not asked
            socket.create_connection(proxy.getsockname()).close()
        thread.join(5)
    if not no_proxy:
        assert asked == [b"CONNECT collector.invalid:4318 HTTP/1.1"]
