"""The attributes that belong to one request alone (HTTP semantic conventions, stable).

https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span
"""

from collections.abc import Mapping
from typing import Any, Final

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.hosts import Hosts
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.queries import without_values
from fastapi_factory_utilities.core.telemetry import AttributeValue

__all__ = ["RequestAttributes"]

_LONGEST: Final = 1_000  # characters of a path or a user agent; whoever sends more is testing us


class RequestAttributes:
    """Reads them from ASGI scopes."""

    __slots__ = ("_hosts",)

    def __init__(self) -> None:
        self._hosts = Hosts()

    def of(self, scope: Mapping[str, Any]) -> dict[str, AttributeValue]:
        """Return them; known secrets are masked when the span ends."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        path: str = scope["path"]
        own: dict[str, AttributeValue] = {"url.path": path if len(path) <= _LONGEST else path[:_LONGEST]}
        query = scope.get("query_string")
        if query:
            own["url.query"] = without_values(query)
        host = self._hosts.of(headers.get(b"host"), scope.get("scheme", "http"), scope.get("server"))
        if host is not None:
            own["server.address"], own["server.port"] = host
        client = scope.get("client")
        if client:
            own["client.address"] = address = client[0]
            # A server that takes the client from a proxy's header knows no port; its peer is the proxy then.
            if client[1]:
                own["network.peer.address"] = address
                own["network.peer.port"] = client[1]
        agent = headers.get(b"user-agent")
        if agent:
            own["user_agent.original"] = agent[:_LONGEST].decode("latin-1")
        return own
