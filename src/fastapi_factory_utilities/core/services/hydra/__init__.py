"""Ory Hydra (OAuth 2.0 and OpenID Connect): whether a token is good, and tokens of our own.

Importing the package needs no driver; the services say how to install theirs when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.services.hydra.errors import (
    HydraClientRefusedError,
    HydraOperationError,
    HydraUnavailableError,
)
from fastapi_factory_utilities.core.services.hydra.models import HydraAccessToken, HydraModel, HydraTokenIntrospection

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.services.hydra.client_credentials import HydraOAuth2ClientCredentialsService
    from fastapi_factory_utilities.core.services.hydra.introspection import HydraIntrospectGenericService
    from fastapi_factory_utilities.core.services.hydra.keys import HydraJWKSService
    from fastapi_factory_utilities.core.services.hydra.service import HydraService

__all__ = [
    "HydraAccessToken",
    "HydraClientRefusedError",
    "HydraIntrospectGenericService",
    "HydraJWKSService",
    "HydraModel",
    "HydraOAuth2ClientCredentialsService",
    "HydraOperationError",
    "HydraService",
    "HydraTokenIntrospection",
    "HydraUnavailableError",
]

_ON_DEMAND = {
    "HydraIntrospectGenericService": "introspection",
    "HydraJWKSService": "keys",
    "HydraOAuth2ClientCredentialsService": "client_credentials",
    "HydraService": "service",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Import what needs the driver when somebody asks for it."""
    if name in _ON_DEMAND:
        return getattr(import_module(f"{__name__}.{_ON_DEMAND[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
