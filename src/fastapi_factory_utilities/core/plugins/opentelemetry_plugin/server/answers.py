"""What all requests with the same method, route and outcome have in common: made once, looked up afterwards."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.methods import OTHER, known_methods
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.attributes import SharedAttributes
from fastapi_factory_utilities.core.telemetry import AttributeValue

__all__ = ["CANCELLED", "CLIENT_GONE", "Answer", "Answers"]

CLIENT_GONE: Final = "client_disconnected"
"""The `error.type` of a request whose client left before it had its answer."""

CANCELLED: Final = "cancelled"
"""The `error.type` of a request that was cancelled, such as by a forced stop."""

_NO_FAILURE: Final = frozenset({None, CANCELLED, CLIENT_GONE})
_REMEMBERED: Final = 4096  # a path that a parameter mounts makes as many routes as it has values
_SERVER_ERROR: Final = 500


class Answer(NamedTuple):
    """One way for requests to end.

    Attributes:
        name: Of the span.
        shared: The span's attributes, those that are not the request's own.
        record: Takes the seconds that the request took.
        failed: Whether the service failed: a 4xx is the client's mistake, and so is to leave.
    """

    name: str
    shared: SharedAttributes
    record: Callable[[float], None]
    failed: bool


class Answers:
    """Makes them.

    Args:
        recorder: Makes `record` for the attributes of a duration.
    """

    __slots__ = ("_known", "_methods", "_recorder")

    def __init__(self, recorder: Callable[[Mapping[str, AttributeValue]], Callable[[float], None]]) -> None:
        self._recorder = recorder
        self._methods = known_methods()
        self._known: dict[tuple[str, str | None, int, str | None, str, str], Answer] = {}

    def of(
        self, method: str, route: str | None, status: int, error_type: str | None, scheme: str, version: str
    ) -> Answer:
        """Return one.

        Args:
            method: As the client wrote it.
            route: The template of the route; `None` if there is no route for the request.
            status: Of the answer; 0 if there was none.
            error_type: How it failed, if that is known better than by its status.
            scheme: Of the URL.
            version: Of the protocol.
        """
        key = (method, route, status, error_type, scheme, version)
        known = self._known.get(key)
        if known is None:
            known = self._made(*key)
            if method in self._methods and len(self._known) < _REMEMBERED:  # anybody may make methods up
                self._known[key] = known
        return known

    def method(self, method: str) -> str:
        """Return how a method is called in attributes."""
        return method if method in self._methods else OTHER

    def name(self, method: str) -> str:
        """Return the name of a span whose route is not known yet."""
        return method if method in self._methods else "HTTP"

    def _made(
        self, method: str, route: str | None, status: int, error_type: str | None, scheme: str, version: str
    ) -> Answer:
        failed = status >= _SERVER_ERROR or error_type not in _NO_FAILURE
        if error_type is None and failed:
            error_type = str(status)
        measured: dict[str, AttributeValue] = {"http.request.method": self.method(method), "url.scheme": scheme}
        if version:
            measured["network.protocol.version"] = version
        if route is not None:
            measured["http.route"] = route
        if status:
            measured["http.response.status_code"] = status
        if error_type is not None:
            measured["error.type"] = error_type
        shared = SharedAttributes(measured)
        if self.method(method) == OTHER:
            shared["http.request.method_original"] = method[:100]
        name = self.name(method)
        return Answer(name if route is None else f"{name} {route}", shared, self._recorder(measured), failed)
