"""The MongoDB of a page: it runs when the page says so, or always, when the page does not say."""

import re
from collections.abc import Callable

from fastapi_factory_utilities.testing import Server

__all__ = ["PageMongo"]

_STARTS_IT = re.compile(r"^\$ (docker|secantusd-py) ", re.MULTILINE)


class PageMongo:
    """Made when it is first asked for; whatever a page calls it, it is the server of this machine.

    Args:
        make: Makes the server.
        page: The page's text.
    """

    def __init__(self, make: Callable[[], Server], page: str) -> None:
        self._make = make
        self._page_starts_it = bool(_STARTS_IT.search(page))
        self._server: Server | None = None

    @property
    def uri(self) -> str:
        """Where it is, or will be."""
        return self._its_server().uri

    def obey(self, verb: str) -> None:
        """Do what a `docker` command says."""
        server = self._its_server()
        orders = {
            "run": server.start,
            "start": server.start,
            "stop": server.stop,
            "kill": server.kill,
            "pause": server.freeze,
            "unpause": server.thaw,
        }
        orders[verb]()

    def close(self) -> None:
        """Remove it."""
        if self._server is not None:
            self._server.close()

    def _its_server(self) -> Server:
        if self._server is None:
            self._server = self._make()
            self._server.start()  # from now on it has a port
            if self._page_starts_it:
                self._server.stop()
        return self._server
