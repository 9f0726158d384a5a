"""What can go wrong with a named client before anything is called; `call_errors` has what goes wrong in a call.

::

    AioHttpClientError
    ├── AioHttpClientConfigurationError   a client cannot be made from its configuration
    ├── AioHttpClientNotProvidedError     a client was asked for that the application does not have (or not now)
    ├── AioHttpClientClosedError          it was used after the application stopped
    └── AioHttpClientCallError            a call failed; each is one of aiohttp's own errors, too
        ├── AioHttpClientUrlError         the path leads nowhere, or out of the service
        ├── AioHttpClientStatusError      the service answered with an error, and the caller wanted to hear of it
        ├── AioHttpClientContentError     the answer is no JSON
        └── AioHttpClientUnavailableError the service cannot be used now (HTTP 503 for our own callers)
            ├── AioHttpClientConnectionError   it cannot be reached, or broke off
            │   └── AioHttpClientBrokenAnswerError ... in the middle of a body
            ├── AioHttpClientTimeoutError      it did not answer in time
            │   └── AioHttpClientDeadlineError our own caller does not wait any longer
            ├── AioHttpClientCircuitOpenError  it failed too often, and is left alone for a while
            └── AioHttpClientLimitError        too many calls at a time, or in a second
"""

from fastapi_factory_utilities.core.exceptions import FastAPIFactoryUtilitiesError
from fastapi_factory_utilities.core.plugins.errors import PluginError, PluginNotActiveError

__all__ = [
    "AioHttpClientClosedError",
    "AioHttpClientConfigurationError",
    "AioHttpClientError",
    "AioHttpClientNotProvidedError",
]


class AioHttpClientError(FastAPIFactoryUtilitiesError):
    """The base of every error of a named HTTP client; the field `dependency` says of which."""


class AioHttpClientConfigurationError(AioHttpClientError, PluginError):
    """A client cannot be made from its configuration."""


class AioHttpClientNotProvidedError(AioHttpClientError, PluginNotActiveError):
    """A client was asked for that the application does not have, or does not have now."""


class AioHttpClientClosedError(AioHttpClientError):
    """A client was used when its application had stopped, or did not run yet."""
