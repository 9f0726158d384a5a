"""`make demo`: the Books service on an embedded MongoDB, ready to try, leaving nothing behind.

The database is a MongoDB-compatible server from the `embedded` extra, run as a process of its own in a temporary
folder. Ctrl-C ends both.
"""

import socket
import sys

from fastapi_factory_utilities.core.app.server import WRONG_SETUP, serve, tell
from fastapi_factory_utilities.example.app import App, AppBuilder
from fastapi_factory_utilities.testing.servers import BackendNotAvailable, SecantusServer, ServerError

__all__ = ["main"]

_HOST = "127.0.0.1"
_PORT = 8000


class Demo(App):
    """The Books service, telling where to look."""

    async def on_startup(self) -> None:
        """Print the addresses to open."""
        config = self.get_config().server
        base = f"http://{config.host}:{config.port}"
        sys.stdout.write(
            f"\n  The Books service runs on an embedded MongoDB. Open:\n\n"
            f"    {base}/docs                            try it\n"
            f"    {base}/api/v1/books                    the books\n"
            f"    {base}/api/v1/sys/health/components    how it is\n\n"
            f"  Ctrl-C ends it.\n\n"
        )
        sys.stdout.flush()


def main() -> int:
    """Run the demo and return the exit status."""
    port = _free_port()
    if port != _PORT:
        sys.stdout.write(f"Port {_PORT} is taken, the demo uses {port}.\n")
    try:
        with SecantusServer() as database:
            builder = AppBuilder(application_class=Demo)
            builder.add_config(
                {
                    "application": {"environment": "development"},
                    # Nobody takes a demo out of rotation before it ends.
                    "server": {"host": _HOST, "port": port, "drain_seconds": 0},
                    "odm": {"uri": database.uri},
                }
            )
            return serve(builder)
    except (BackendNotAvailable, ServerError) as error:
        tell(error)
        return WRONG_SETUP


def _free_port() -> int:
    """The usual port, or any free one when it is taken."""
    for port in (_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, port))
            except OSError:
                continue
            number: int = probe.getsockname()[1]
            return number
    return _PORT


if __name__ == "__main__":
    sys.exit(main())
