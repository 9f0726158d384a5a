"""What can be wrong with the plugin itself; what is wrong with a token is in `core.security.jwt`."""

from fastapi_factory_utilities.core.plugins.errors import PluginError

__all__ = ["JWTPluginConfigurationError"]


class JWTPluginConfigurationError(PluginError):
    """An issuer's keys cannot be fetched as they are configured; the field `issuer` has its name."""
