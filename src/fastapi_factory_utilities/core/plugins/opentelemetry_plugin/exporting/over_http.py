"""OTLP over HTTP: one kept connection, with what Python brings along.

`requests` and `urllib3` cost 60 to 200 ms to import, and instrumentations of theirs would trace our own exports.
"""

import gzip
import ssl
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, RemoteDisconnected
from socket import SHUT_RDWR
from time import monotonic
from typing import Final
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.answers import retry_after, thanks
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.target import Outcome, Target

__all__ = ["HttpTransport"]

_OK: Final = range(200, 300)
_AGAIN: Final = frozenset({429, 502, 503, 504})  # OTLP, "Retryable Response Codes"
_LONGEST_ANSWER: Final = 65_536
_COMPRESSION_LEVEL: Final = 1  # 9 times smaller for 1 us a span; level 6 costs 2.3 us and gains 2 %


class HttpTransport:
    """Posts requests to one URL. A `Transport`.

    Args:
        target: Where to.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._url: SplitResult = urlsplit(target.url)
        self._path = self._url._replace(scheme="", netloc="", fragment="").geturl() or "/"
        self._headers = {"Content-Type": "application/x-protobuf", "User-Agent": "fastapi-factory-utilities-otlp"}
        if target.gzip:
            self._headers["Content-Encoding"] = "gzip"
        self._headers |= dict(target.headers)
        self._connection: HTTPConnection | None = None
        self._aborted = False

    def send(self, payload: bytes, timeout_seconds: float) -> Outcome:
        """Post one request; a kept connection that was closed meanwhile is replaced once."""
        if self._target.gzip:
            payload = gzip.compress(payload, _COMPRESSION_LEVEL)
        deadline = monotonic() + timeout_seconds
        try:
            kept = self._connection is not None
            try:
                return self._post(payload, timeout_seconds)
            except (RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.close()
                if not kept or self._aborted:
                    raise
                return self._post(payload, max(0.01, deadline - monotonic()))
        except TimeoutError:
            self.close()
            return Outcome(taken=False, again=True, reason=f"no answer within {timeout_seconds:.1f} s")
        except (OSError, HTTPException, ValueError) as error:
            self.close()
            # A certificate that does not fit may be replaced; what else is wrong here passes by itself as well.
            return Outcome(taken=False, again=True, reason=_words(error))

    def abort(self) -> None:
        """Break off what is under way, and begin nothing more."""
        self._aborted = True
        sock = getattr(self._connection, "sock", None)
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _post(self, payload: bytes, timeout_seconds: float) -> Outcome:
        connection = self._connection
        if connection is None:
            connection = self._connection = self._connect(timeout_seconds)
        if connection.sock is not None:
            connection.sock.settimeout(timeout_seconds)
        connection.request("POST", self._path, payload, self._headers)
        with connection.getresponse() as response:
            outcome = _read(response)
            complete = response.isclosed()
        if not complete:
            self.close()  # there is more than anybody has to say
        return outcome

    def _connect(self, timeout_seconds: float) -> HTTPConnection:
        if self._aborted:
            raise ConnectionAbortedError("broken off")
        host, port = self._url.hostname or "localhost", self._url.port
        secure = self._url.scheme == "https"
        proxy = None if proxy_bypass(host) else getproxies().get(self._url.scheme)
        if proxy is None:
            return self._to(host, port, timeout_seconds, secure=secure)
        through = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        # A tunnel for both schemes: what is in the headers is none of the proxy's business.
        connection = self._to(through.hostname or "localhost", through.port, timeout_seconds, secure=secure)
        connection.set_tunnel(host, port or (443 if secure else 80))
        return connection

    def _to(self, host: str, port: int | None, timeout_seconds: float, *, secure: bool) -> HTTPConnection:
        if not secure:
            return HTTPConnection(host, port, timeout=timeout_seconds)
        context = ssl.create_default_context(cafile=self._target.ca_file)
        if self._target.certificate_file:
            context.load_cert_chain(self._target.certificate_file, self._target.key_file)
        return HTTPSConnection(host, port, timeout=timeout_seconds, context=context)


def _read(response: HTTPResponse) -> Outcome:
    answer = response.read(_LONGEST_ANSWER)
    if response.status in _OK:
        if len(answer) < _LONGEST_ANSWER:
            response.read()  # so that it notices its end
        return thanks(answer)
    return Outcome(
        taken=False,
        again=response.status in _AGAIN,
        wait_seconds=retry_after(response.getheader("Retry-After")),
        reason=f"HTTP {response.status}",
    )


def _words(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
