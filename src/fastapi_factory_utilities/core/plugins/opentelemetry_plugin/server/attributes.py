"""The attributes that belong to one request alone (HTTP semantic conventions, stable).

https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span
"""

from collections.abc import Mapping
from typing import Any, Final

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.hosts import Hosts
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.queries import without_values
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.attributes import SharedAttributes
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.masking import masked
from fastapi_factory_utilities.core.redaction import registry
from fastapi_factory_utilities.core.telemetry import AttributeValue

__all__ = ["RequestAttributes"]

_LONGEST: Final = 1_000  # characters of a path or a user agent; whoever sends more is testing us
_CALLERS: Final = 1024  # remembered, over all routes and outcomes
_LONGEST_REMEMBERED: Final = 1_000  # octets of host and user agent


type _Caller = tuple[int, bytes | None, bytes | None, str, bool]


class RequestAttributes:
    """Reads them from ASGI scopes.

    A service is called by few, again and again: what says who called and by which name is made once for each caller and
    outcome, masked, and encoded once by the exporter. Only the path, the query and the client's port are new each time.
    """

    __slots__ = ("_callers", "_hosts", "_secrets")

    def __init__(self) -> None:
        self._hosts = Hosts()
        self._callers: dict[_Caller, tuple[SharedAttributes, SharedAttributes]] = {}
        self._secrets: object = None

    def of(
        self, scope: Mapping[str, Any], common: SharedAttributes
    ) -> tuple[SharedAttributes, dict[str, AttributeValue]]:
        """Return what the request shares with others, and what is its own; the latter is masked when the span ends.

        Args:
            scope: Of the request.
            common: The attributes of all requests with this outcome.
        """
        headers: dict[bytes, bytes] = dict(scope["headers"])
        client = scope.get("client") or _NOBODY
        # A server that takes the client from a proxy's header knows no port; its peer is the proxy then.
        port = client[1]
        key = (id(common), headers.get(b"host"), headers.get(b"user-agent"), client[0], bool(port))
        known = self._callers.get(key)
        # The same id may be another object's by now. A secret that became known since may be in what is remembered.
        if known is None or known[0] is not common or self._secrets is not registry._texts:  # noqa: SLF001 - cheapest
            known = self._remember(key, common, scope)
        path: str = scope["path"]
        own: dict[str, AttributeValue] = {"url.path": path if len(path) <= _LONGEST else path[:_LONGEST]}
        query = scope.get("query_string")
        if query:
            own["url.query"] = without_values(query)
        if port:
            own["network.peer.port"] = port
        return known[1], own

    def _remember(
        self, key: "_Caller", common: SharedAttributes, scope: Mapping[str, Any]
    ) -> tuple[SharedAttributes, SharedAttributes]:
        if self._secrets is not registry._texts or len(self._callers) >= _CALLERS:  # noqa: SLF001 - see above
            self._secrets = registry._texts  # noqa: SLF001 - see above
            self._callers.clear()
        _, header, agent, address, is_peer = key
        merged = SharedAttributes(common)
        host = self._hosts.of(header, scope.get("scheme", "http"), scope.get("server"))
        if host is not None:
            merged["server.address"], merged["server.port"] = masked(host[0]), host[1]
        if address:
            merged["client.address"] = masked(address)
            if is_peer:
                merged["network.peer.address"] = masked(address)
        if agent:
            merged["user_agent.original"] = masked(agent[:_LONGEST].decode("latin-1"))
        known = (common, merged)
        # Without the header the listener's address was told, and there may be several. Long ones are a tester's.
        if header and len(header) + len(agent or b"") <= _LONGEST_REMEMBERED:
            self._callers[key] = known
        return known


_NOBODY: Final = ("", 0)
