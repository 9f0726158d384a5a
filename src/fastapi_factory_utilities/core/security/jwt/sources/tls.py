"""What a provider's certificate is checked with."""

import ssl

from fastapi_factory_utilities.core.security.jwt.sources.config import KeySourceConfig
from fastapi_factory_utilities.core.security.jwt.sources.errors import KeySourceError

__all__ = ["tls_of"]


def tls_of(config: KeySourceConfig) -> ssl.SSLContext | bool:
    """Return what aiohttp's connectors take as `ssl`; the file of `ssl_ca_path` is read now.

    Raises:
        KeySourceError: It has no certificates in it.
    """
    if config.ssl_ca_path is None:
        return True  # aiohttp's own context, which all such clients share
    try:
        return ssl.create_default_context(cafile=config.ssl_ca_path)
    except (ssl.SSLError, OSError) as error:
        raise KeySourceError(
            "the file of ssl_ca_path has no certificates (PEM) in it: give the authorities' file", issuer=config.issuer
        ) from error
