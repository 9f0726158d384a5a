"""aiohttp's errors, and ours."""

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
import aiohttp

from fastapi_factory_utilities.core.plugins.aiohttp.call_errors import (
    AioHttpClientBrokenAnswerError,
    AioHttpClientCallError,
    AioHttpClientConnectionError,
    AioHttpClientTimeoutError,
)

__all__ = ["DRIVER_ERRORS", "translated", "was_never_sent"]

DRIVER_ERRORS = (aiohttp.ClientError, OSError)
"""What a call over aiohttp raises when it fails; a `TimeoutError` is an `OSError`."""


def translated(error: Exception, *, dependency: str, asked: str, seconds: float | None) -> AioHttpClientCallError:
    """Make our error of one of aiohttp's, with that as its cause, unless its text has the whole URL.

    Args:
        error: One of `DRIVER_ERRORS`.
        dependency: The service's name.
        asked: Method and address, without the query.
        seconds: The timeout that was in force, for the text; `None` is none.
    """
    ours: AioHttpClientCallError
    if isinstance(error, TimeoutError):
        within = "in time" if seconds is None else f"within {seconds:.3g} s"
        ours = AioHttpClientTimeoutError(
            f"{dependency}: no answer to {asked} {within}: see whether the service is overloaded, or raise "
            f"timeout.attempt_seconds of its entry in dependencies",
            dependency=dependency,
            timeout_seconds=seconds,
            never_sent=isinstance(error, aiohttp.ConnectionTimeoutError),
        )
        ours.__suppress_context__ = True
    elif isinstance(error, aiohttp.ClientSSLError):
        ours = AioHttpClientConnectionError(
            f"{dependency}: TLS failed for {asked}: see that the certificates are valid, and verify_ssl, ssl_ca_path "
            f"and ssl_certfile of its entry in dependencies",
            dependency=dependency,
        )
        ours.__cause__ = error
    elif isinstance(error, aiohttp.ClientConnectorError):
        ours = AioHttpClientConnectionError(
            f"{dependency}: cannot be reached for {asked}: see that the service runs, and the url of its entry in "
            f"dependencies",
            dependency=dependency,
            never_sent=True,
        )
        ours.__cause__ = error
    elif isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError | OSError):
        broken = AioHttpClientConnectionError
        if isinstance(error, aiohttp.ClientPayloadError):
            broken = AioHttpClientBrokenAnswerError
        ours = broken(
            f"{dependency}: the connection broke off during {asked}: see the service's own log",
            dependency=dependency,
        )
        ours.__cause__ = error
    else:
        ours = AioHttpClientCallError(
            f"{dependency}: {asked} failed ({type(error).__name__}): see that the address, and where it redirects to, "
            f"are valid",
            dependency=dependency,
        )
        ours.__suppress_context__ = True
    return ours


def was_never_sent(error: AioHttpClientCallError) -> bool:
    """Whether an attempt failed before anything of the request was sent, so that repeating it does nothing twice."""
    return error.fields.get("never_sent") is True
