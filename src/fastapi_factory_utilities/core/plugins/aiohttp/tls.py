"""How a service proves who it is, and we to it."""

import ssl
from typing import TYPE_CHECKING

from fastapi_factory_utilities.core.plugins.aiohttp.errors import AioHttpClientConfigurationError

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.app.configuration.sections.dependencies import HttpServiceDependencyConfig

__all__ = ["tls_of"]


def tls_of(key: str, config: "HttpServiceDependencyConfig") -> ssl.SSLContext | bool:
    """Return what aiohttp's connectors take as `ssl`; files are read now.

    Args:
        key: The service's name, for errors.
        config: Its entry.

    Raises:
        AioHttpClientConfigurationError: A file has not in it what it should, or the password does not open it.
    """
    if config.verify_ssl and config.ssl_ca_path is None and config.ssl_certfile is None:
        return True  # aiohttp's own context, which all such clients share
    try:
        context = ssl.create_default_context(cafile=config.ssl_ca_path)
    except (ssl.SSLError, OSError) as error:
        raise _wrong(key, "ssl_ca_path", "has no certificates (PEM) in it", "give the authorities' file") from error
    if not config.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if config.ssl_certfile is not None:
        secret = config.ssl_keyfile_password
        try:
            # Without a function OpenSSL would ask for a password on the terminal.
            context.load_cert_chain(
                config.ssl_certfile,
                config.ssl_keyfile,
                password=lambda: "" if secret is None else secret.get_secret_value(),
            )
        except (ssl.SSLError, OSError, ValueError) as error:
            raise _wrong(
                key,
                "ssl_certfile",
                "cannot be used",
                "see that it is a certificate (PEM), that ssl_keyfile is its key, and ssl_keyfile_password the key's",
            ) from error
    return context


def _wrong(key: str, field: str, problem: str, advice: str) -> AioHttpClientConfigurationError:
    return AioHttpClientConfigurationError(
        f"dependencies: {key}: the file of {field} {problem}: {advice}", dependency=key, field=field
    )
