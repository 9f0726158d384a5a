"""What can go wrong with a call; the tree is drawn in `errors`.

Each class is the error of aiohttp's that a bare client would have raised as well, so that code written for one works
with the other. None has a query, credentials, or content in its text; each has the field `dependency`.
"""

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
import aiohttp

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.plugins.aiohttp.errors import AioHttpClientError

__all__ = [
    "AioHttpClientBrokenAnswerError",
    "AioHttpClientCallError",
    "AioHttpClientCircuitOpenError",
    "AioHttpClientConnectionError",
    "AioHttpClientContentError",
    "AioHttpClientDeadlineError",
    "AioHttpClientLimitError",
    "AioHttpClientStatusError",
    "AioHttpClientTimeoutError",
    "AioHttpClientUnavailableError",
    "AioHttpClientUrlError",
]


class AioHttpClientCallError(AioHttpClientError, aiohttp.ClientError):
    """A call failed; the base of those that follow, and itself for what is none of them, such as endless redirects."""


class AioHttpClientUrlError(AioHttpClientCallError, ValueError):
    """The path of a call makes no address, or one outside of the service's base URL; nothing was sent."""


class _AnsweredError(AioHttpClientCallError, aiohttp.ClientResponseError):
    """An error that carries an answer; aiohttp's text has the whole URL, ours has not."""

    message: str

    def __init__(self, message: str, *, response: aiohttp.ClientResponse, dependency: str) -> None:
        aiohttp.ClientResponseError.__init__(
            self,
            response.request_info,
            response.history,
            status=response.status,
            message=message,
            headers=response.headers,
        )
        self.fields: dict[str, object] = {"dependency": dependency, "status": response.status}

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r})"


class AioHttpClientStatusError(_AnsweredError):
    """The service answered with an error status, and `raise_for_status` was asked for; see `status`."""


class AioHttpClientContentError(_AnsweredError, aiohttp.ContentTypeError):
    """The service answered with something else than the JSON that was asked for."""


class AioHttpClientUnavailableError(AioHttpClientCallError, BackendUnavailableError):
    """The service cannot be used now; over HTTP it becomes a 503 problem."""


class AioHttpClientConnectionError(AioHttpClientUnavailableError, aiohttp.ClientConnectionError):
    """The service cannot be reached, or broke the connection off; aiohttp's error is the cause."""


class AioHttpClientBrokenAnswerError(AioHttpClientConnectionError, aiohttp.ClientPayloadError):
    """The answer broke off in the middle of its body."""


class AioHttpClientTimeoutError(AioHttpClientUnavailableError, aiohttp.ServerTimeoutError):
    """The service did not answer in time; also a `TimeoutError`. What was asked may have been done all the same."""


class AioHttpClientDeadlineError(AioHttpClientTimeoutError):
    """Whoever called this service does not wait any longer, so the call was not made, or was given up."""


class AioHttpClientCircuitOpenError(AioHttpClientUnavailableError, aiohttp.ClientConnectionError):
    """The service failed too often and is left alone until `retry_after_seconds` have passed; nothing was sent."""


class AioHttpClientLimitError(AioHttpClientUnavailableError, aiohttp.ClientConnectionError):
    """There are too many calls to this service at a time, or in a second; nothing was sent."""
