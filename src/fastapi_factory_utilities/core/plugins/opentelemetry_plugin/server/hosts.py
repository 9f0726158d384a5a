"""Under which name and port a request came in."""

from collections.abc import Sequence
from typing import Any, Final

__all__ = ["Hosts"]

_REMEMBERED: Final = 1024
_LONGEST: Final = 255  # of a name in DNS; what is longer is none
_SECURE: Final = frozenset({"https", "wss"})
_HIGHEST_PORT: Final = 65535


class Hosts:
    """Tells address and port of a `Host` header; nearly all requests have the same, and it looks at each only once."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, str], tuple[str, int] | None] = {}

    def of(self, header: bytes | None, scheme: str, server: Sequence[Any] | None) -> tuple[str, int] | None:
        """Return address and port; `None` when nothing is known, as behind a Unix socket.

        Args:
            header: The header, or HTTP/2's `:authority`.
            scheme: Of the URL: it says which port is meant where none is told.
            server: What ASGI says of the listener, for requests without the header.
        """
        if not header:
            return (server[0], server[1]) if server and server[1] is not None else None
        key = (header, scheme)
        try:
            return self._known[key]
        except KeyError:
            pass
        found = _parsed(header.decode("latin-1"), scheme)
        if len(self._known) < _REMEMBERED:
            self._known[key] = found
        return found


def _parsed(host: str, scheme: str) -> tuple[str, int] | None:
    """Take a host apart (RFC 9110, 7.2), without what must not be in it (userinfo)."""
    host = host.rpartition("@")[2]
    name, colon, digits = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, digits = host, ""
    name = name.removeprefix("[").removesuffix("]")
    if not name or len(name) > _LONGEST:
        return None
    port = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= len(str(_HIGHEST_PORT)) else 0
    if not 0 < port <= _HIGHEST_PORT:
        port = 443 if scheme in _SECURE else 80
    return name, port
