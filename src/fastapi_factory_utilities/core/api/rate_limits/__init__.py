"""How often a route may be asked, by whom: `dependencies=[rate_limit("5/minute")]`.

Importing the package needs no driver; the names that need one say how to install it when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.api.rate_limits.clients import client_address
from fastapi_factory_utilities.core.api.rate_limits.errors import RateLimitedError
from fastapi_factory_utilities.core.api.rate_limits.rate import Rate, parse_rate
from fastapi_factory_utilities.core.api.rate_limits.settings import RateLimitSettings, configure_rate_limits

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.api.rate_limits.depends import rate_limit

__all__ = [
    "Rate",
    "RateLimitSettings",
    "RateLimitedError",
    "client_address",
    "configure_rate_limits",
    "parse_rate",
    "rate_limit",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Import what needs the driver when somebody asks for it."""
    if name == "rate_limit":
        return import_module(f"{__name__}.depends").rate_limit
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
