"""`make demo`: the Books service on embedded backends, ready to try, leaving nothing behind.

The database is a MongoDB-compatible server from the `embedded` extra, run as a process of its own in a temporary
folder. Messages go through a broker in memory, unless `AMQP_URL` names a RabbitMQ, and tasks wait in memory, unless
`REDIS_URL` names a Redis. Ctrl-C ends them all.
"""

import os
import socket
import sys
from contextlib import ExitStack

from fastapi_factory_utilities.core.app.server import WRONG_SETUP, serve, tell
from fastapi_factory_utilities.example.app import App, AppBuilder
from fastapi_factory_utilities.testing.amqp import InMemoryBroker
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
            f"\n  The Books service runs on {_backends()}. Open:\n\n"
            f"    {base}/docs                            try it\n"
            f"    {base}/api/v1/books                    the books\n"
            f"    {base}/api/v1/books/search?words=dune  those that a listener and a task have indexed\n"
            f"    {base}/_dev                            what it does: traces, logs, health, configuration\n"
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
        with ExitStack() as backends:
            builder = AppBuilder(application_class=Demo)
            builder.add_config(
                {
                    "application": {"environment": "development"},
                    # Nobody takes a demo out of rotation before it ends.
                    "server": {"host": _HOST, "port": port, "drain_seconds": 0},
                    "odm": {"uri": backends.enter_context(SecantusServer()).uri},
                }
            )
            if not os.environ.get("AMQP_URL"):
                builder.add_config({"aiopika": {"amqp_url": backends.enter_context(InMemoryBroker()).url}})
            if not os.environ.get("REDIS_URL"):
                builder.add_config({"taskiq": {"in_memory": True}})
            return serve(builder)
    except (BackendNotAvailable, ServerError) as error:
        tell(error)
        return WRONG_SETUP


def _backends() -> str:
    """Say what it runs on."""
    in_memory = " and ".join(
        what
        for variable, what in (("AMQP_URL", "a message broker"), ("REDIS_URL", "a task queue"))
        if not os.environ.get(variable)
    )
    return f"an embedded MongoDB, with {in_memory} in memory" if in_memory else "an embedded MongoDB"


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
