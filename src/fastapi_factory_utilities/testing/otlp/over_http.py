"""OTLP over HTTP (protobuf), https://opentelemetry.io/docs/specs/otlp/#otlphttp."""

import gzip
import socket
import sys
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from fastapi_factory_utilities.testing.otlp.received import Received
from fastapi_factory_utilities.testing.otlp.records import ExportRequest
from fastapi_factory_utilities.testing.otlp.script import Answer, Script, wait_for
from fastapi_factory_utilities.testing.ports import ReservedPort, bound_socket

__all__ = ["HttpDoor"]

_PATHS: Final = {"/v1/traces": "traces", "/v1/metrics": "metrics", "/v1/logs": "logs"}
_PROTOBUF: Final = "application/x-protobuf"
_GARBAGE: Final = b"<html>\xff\xfe this is no OTLP \x00</html>"


class HttpDoor:
    """Listens for HTTP; may be closed and opened again on the same port.

    Args:
        received: Where to keep what comes.
        script: What to answer.
    """

    def __init__(self, received: Received, script: Script) -> None:
        self._received, self._script = received, script
        self._reserved = ReservedPort()
        self.port: int = self._reserved.port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Listen."""
        if self._server is not None:
            return
        self._server = _Server(self.port, self._received, self._script)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="otlp-http", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Refuse connections, and break those off that are open."""
        server, thread = self._server, self._thread
        if server is None or thread is None:
            return
        self._server = self._thread = None
        server.shutdown()
        thread.join()
        server.socket.close()
        server.end_connections()
        server.server_close()

    def release(self) -> None:
        """Close it for good, and give the port back."""
        self.close()
        self._reserved.release()


class _Server(ThreadingHTTPServer):
    """A thread for each connection, all of them joined when it is closed."""

    daemon_threads = False

    def __init__(self, port: int, received: Received, script: Script) -> None:
        super().__init__(("127.0.0.1", port), _Handler, bind_and_activate=False)
        self.received, self.script = received, script
        self._connections: set[Any] = set()
        self._lock = threading.Lock()
        self.socket.close()
        self.socket = bound_socket("127.0.0.1", port)
        self.socket.setblocking(True)  # noqa: FBT003 - the standard library's signature
        self.server_activate()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as socketserver has it
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as socketserver has it
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        with self._lock:
            for connection in self._connections:
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as socketserver has it
        """Say nothing of clients that went away."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        body = self._read()
        signal = _PATHS.get(self.path, "")
        answer, released = self.server.script.next()
        if not signal:
            answer = Answer(404)
        elif self.headers.get("Content-Type") != _PROTOBUF:
            answer = Answer(415)
        elif answer.is_thanks and body is None:
            answer = Answer(400)
        said = wait_for(answer, released)
        if said and answer.is_thanks and body is not None and not self.server.received.keep(signal, body):
            answer = Answer(400)
        headers = {name.lower(): value for name, value in self.headers.items()}
        status = answer.status if said else 0
        self.server.received.note(ExportRequest("http", signal, self.path, headers, body or b"", status))
        if said:
            self._say(answer)
        else:
            self.close_connection = True

    def _read(self) -> bytes | None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            match self.headers.get("Content-Encoding", "identity"):
                case "gzip":
                    return gzip.decompress(raw)
                case "deflate":
                    return zlib.decompress(raw)
                case "identity":
                    return raw
        except (OSError, EOFError, zlib.error):
            pass
        return None

    def _say(self, answer: Answer) -> None:
        body = _GARBAGE if answer.garbage else b""  # an empty message is "all of it was taken"
        self.send_response(answer.status)
        self.send_header("Content-Type", "text/html" if answer.garbage else _PROTOBUF)
        self.send_header("Content-Length", str(len(body)))
        if answer.retry_after_seconds is not None:
            self.send_header("Retry-After", f"{answer.retry_after_seconds:g}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as http.server has it
        """Keep quiet: what came is in `requests`."""
