"""A port that stays ours, whoever listens on it."""

import socket
import sys

__all__ = ["ReservedPort", "bound_socket"]


class ReservedPort:
    """A port kept for a listener that may come and go: nobody else is given it meanwhile.

    A socket that is bound but never listens keeps the port; connecting to it is refused by the kernel. Linux lets a
    listener bind beside it (both with SO_REUSEADDR, socket(7)); elsewhere the port is only chosen, and is anybody's
    while no listener has it.

    Args:
        host: The address to bind to.
        port: The port; 0 takes a free one.

    Raises:
        OSError: When the port is taken.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._keeper = bound_socket(host, port)
        self.host: str = host
        self.port: int = self._keeper.getsockname()[1]
        if sys.platform != "linux":
            self._keeper.close()

    def release(self) -> None:
        """Give the port back."""
        self._keeper.close()


def bound_socket(host: str, port: int) -> socket.socket:
    """Make a non-blocking socket that is bound and does not listen yet.

    Raises:
        OSError: When the port is taken.
    """
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setblocking(False)  # noqa: FBT003 - the standard library's signature
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
