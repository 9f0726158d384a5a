"""What telemetry is told of an attempt: the stable HTTP client conventions of OpenTelemetry (semconv 1.27 and later).

One CLIENT span and one measurement for each attempt; redirects that aiohttp follows belong to the attempt.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Final

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from aiohttp import ClientResponse
from yarl import URL, Query

from fastapi_factory_utilities.core.plugins.aiohttp.urls import BaseUrl, told
from fastapi_factory_utilities.core.redaction import redact
from fastapi_factory_utilities.core.telemetry import AttributeValue, Span, SpanKind, Telemetry

__all__ = ["Told"]

# RFC 9110 and PATCH; any other would let callers make as many series as they like.
_METHODS: Final = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
_SERIES_KEPT: Final = 500
_ERROR_STATUS: Final = 400


class Told:
    """Spans and the duration histogram of one service's attempts.

    Args:
        telemetry: Where they go.
        base: The service.
    """

    def __init__(self, telemetry: Telemetry, base: BaseUrl) -> None:
        self.telemetry: Telemetry = telemetry
        self._base = base
        self._begun: dict[str, Mapping[str, AttributeValue]] = {}
        self._measured: dict[tuple[str, int | str, str | None], Mapping[str, AttributeValue]] = {}
        self._duration = telemetry.histogram(
            "http.client.request.duration", unit="s", description="Duration of HTTP client requests."
        )

    def span(self, method: str, url: URL) -> AbstractContextManager[Span]:
        """Begin the span of an attempt when the returned scope is entered."""
        name = method if method in _METHODS else "HTTP"
        if url.raw_host != self._base.host:
            attributes: Mapping[str, AttributeValue] = _begun(method, url.host or "", url.port or 0)
        else:
            known = self._begun.get(method)
            if known is None:
                known = _begun(method, self._base.host, self._base.port)
                if name == method:
                    self._begun[method] = known
            attributes = known
        return self.telemetry.span(name, SpanKind.CLIENT, attributes)

    def begun(self, span: Span, url: URL, params: Query, resend: int) -> None:
        """Say what is asked; only of a span that is recorded."""
        span.set_attribute("url.full", redact(told(url, params)))
        if resend:
            span.set_attribute("http.request.resend_count", resend)

    def answered(self, span: Span, response: ClientResponse) -> None:
        """Say what was answered; only of a span that is recorded."""
        span.set_attribute("http.response.status_code", response.status)
        version = _version(response)
        if version is not None:
            span.set_attribute("network.protocol.version", version)
        if response.status >= _ERROR_STATUS:
            span.fail(str(response.status))

    def measured(self, method: str, url: URL, end: ClientResponse | BaseException, seconds: float) -> None:
        """Count the duration of an attempt."""
        foreign = None if url.raw_host == self._base.host else url.host
        if isinstance(end, ClientResponse):
            outcome: int | str = end.status
        else:
            outcome = _type_name(end)
        key = (method, outcome, foreign)
        attributes = self._measured.get(key)
        if attributes is None:
            attributes = self._series(method, url, end)
            if len(self._measured) < _SERIES_KEPT:
                self._measured[key] = attributes
        self._duration.record(seconds, attributes)

    def _series(self, method: str, url: URL, end: ClientResponse | BaseException) -> Mapping[str, AttributeValue]:
        attributes: dict[str, AttributeValue] = {
            "http.request.method": method if method in _METHODS else "_OTHER",
            "server.address": url.host or "",
            "server.port": url.port or 0,
            "url.scheme": url.scheme,
        }
        if isinstance(end, ClientResponse):
            attributes["http.response.status_code"] = end.status
            version = _version(end)
            if version is not None:
                attributes["network.protocol.version"] = version
            if end.status >= _ERROR_STATUS:
                attributes["error.type"] = str(end.status)
        else:
            attributes["error.type"] = _type_name(end)
        return attributes


def _begun(method: str, host: str, port: int) -> Mapping[str, AttributeValue]:
    if method in _METHODS:
        return {"http.request.method": method, "server.address": host, "server.port": port}
    return {
        "http.request.method": "_OTHER",
        "http.request.method_original": method,
        "server.address": host,
        "server.port": port,
    }


def _type_name(error: BaseException) -> str:
    """The name of an error's class, as spans have it."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _version(response: ClientResponse) -> str | None:
    version = response.version
    return None if version is None else f"{version.major}.{version.minor}"
