"""Issuers of tokens: their keys, kept fresh, and a service for each that authenticates requests.

Importing the package needs no extra.
"""

from fastapi_factory_utilities.core.plugins.jwt_plugin.config import JWTIssuerConfig, JWTPluginConfig
from fastapi_factory_utilities.core.plugins.jwt_plugin.errors import JWTPluginConfigurationError
from fastapi_factory_utilities.core.plugins.jwt_plugin.plugin import JWTPlugin
from fastapi_factory_utilities.core.plugins.jwt_plugin.provided import (
    depends_jwk_store,
    depends_jwt_authentication_service,
)

__all__ = [
    "JWTIssuerConfig",
    "JWTPlugin",
    "JWTPluginConfig",
    "JWTPluginConfigurationError",
    "depends_jwk_store",
    "depends_jwt_authentication_service",
]
