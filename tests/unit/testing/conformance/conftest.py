"""A backend small enough to read: each line is answered by a line."""

import socketserver
import threading
from collections.abc import Iterator

import pytest


class LineHandler(socketserver.StreamRequestHandler):
    """Answers `ping` with `pong` and whatever has `auth` in it with a refusal."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            self.wfile.write(b"denied\n" if line.startswith(b"auth") else b"pong\n")


class LineServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A line that breaks is what these tests are about: no traceback."""


@pytest.fixture
def line_server_uri() -> Iterator[str]:
    with LineServer(("127.0.0.1", 0), LineHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        host, port = server.server_address[:2]
        yield f"line://{host!s}:{port}"
        server.shutdown()
        thread.join()
