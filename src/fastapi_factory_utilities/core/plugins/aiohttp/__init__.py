"""Named clients for services that are called over HTTP: the plugin, the resource, the dependency.

Importing the package needs no driver; the names that need one say how to install it when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.plugins.aiohttp.deadlines import DEADLINE_HEADER, deadline
from fastapi_factory_utilities.core.plugins.aiohttp.errors import (
    AioHttpClientClosedError,
    AioHttpClientConfigurationError,
    AioHttpClientError,
    AioHttpClientNotProvidedError,
)
from fastapi_factory_utilities.core.plugins.aiohttp.plugin import AioHttpPlugin
from fastapi_factory_utilities.core.plugins.aiohttp.provided import AioHttpResourceDepends

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.app.configuration.sections.dependencies import HttpServiceDependencyConfig
    from fastapi_factory_utilities.core.plugins.aiohttp.call_errors import (
        AioHttpClientBrokenAnswerError,
        AioHttpClientCallError,
        AioHttpClientCircuitOpenError,
        AioHttpClientConnectionError,
        AioHttpClientContentError,
        AioHttpClientDeadlineError,
        AioHttpClientLimitError,
        AioHttpClientStatusError,
        AioHttpClientTimeoutError,
        AioHttpClientUnavailableError,
        AioHttpClientUrlError,
    )
    from fastapi_factory_utilities.core.plugins.aiohttp.resource import AioHttpClientResource
    from fastapi_factory_utilities.core.plugins.aiohttp.response import AioHttpClientResponse
    from fastapi_factory_utilities.core.plugins.aiohttp.session import AioHttpClientSession

__all__ = [
    "DEADLINE_HEADER",
    "AioHttpClientBrokenAnswerError",
    "AioHttpClientCallError",
    "AioHttpClientCircuitOpenError",
    "AioHttpClientClosedError",
    "AioHttpClientConfigurationError",
    "AioHttpClientConnectionError",
    "AioHttpClientContentError",
    "AioHttpClientDeadlineError",
    "AioHttpClientError",
    "AioHttpClientLimitError",
    "AioHttpClientNotProvidedError",
    "AioHttpClientPlugin",
    "AioHttpClientResource",
    "AioHttpClientResponse",
    "AioHttpClientSession",
    "AioHttpClientStatusError",
    "AioHttpClientTimeoutError",
    "AioHttpClientUnavailableError",
    "AioHttpClientUrlError",
    "AioHttpPlugin",
    "AioHttpResourceDepends",
    "HttpServiceDependencyConfig",
    "deadline",
]

AioHttpClientPlugin = AioHttpPlugin
"""The same plugin by its other name."""

_HERE = "fastapi_factory_utilities.core.plugins.aiohttp"
_ON_DEMAND = {
    **{name: f"{_HERE}.call_errors" for name in __all__ if name.endswith("Error") and name not in globals()},
    "AioHttpClientResource": f"{_HERE}.resource",
    "AioHttpClientResponse": f"{_HERE}.response",
    "AioHttpClientSession": f"{_HERE}.session",
    # The application's own, which plugins do not import.
    "HttpServiceDependencyConfig": "fastapi_factory_utilities.core.app.configuration.sections.dependencies",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Import what needs the driver when somebody asks for it."""
    if name in _ON_DEMAND:
        return getattr(import_module(_ON_DEMAND[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
