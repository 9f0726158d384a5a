"""From configuration to what keeps a service from harm."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI

from fastapi_factory_utilities.core.api.browser_headers import security_headers
from fastapi_factory_utilities.core.api.csrf import csrf_protection
from fastapi_factory_utilities.core.api.rate_limits import RateLimitSettings, configure_rate_limits
from fastapi_factory_utilities.core.app.config import RootConfig
from fastapi_factory_utilities.core.exceptions import ApplicationError
from fastapi_factory_utilities.core.plugins import PluginAbstract

__all__ = ["protections", "set_rate_limits"]


def protections(config: RootConfig) -> dict[str, Any]:
    """Return the arguments of `create_fastapi` that protect the service and its users."""
    cors = config.cors
    return {
        "max_body_bytes": config.server.max_body_bytes,
        "allowed_hosts": config.server.allowed_hosts,
        "security_headers": security_headers(**config.security_headers.model_dump()),
        "csrf_protection": csrf_protection(
            **config.csrf.model_dump(),
            cors_origins=cors.allow_origins,
            cors_origin_regex=cors.allow_origin_regex,
            cors_credentials=cors.allow_credentials,
        ),
    }


def set_rate_limits(app: FastAPI, config: RootConfig, plugins: Sequence[PluginAbstract[Any]]) -> None:
    """Say how the limits of routes count.

    Raises:
        ApplicationError: They shall count in Redis, and no plugin provides it.
    """
    limits, who = config.rate_limits, config.application
    if limits.enabled and limits.storage == "redis" and not _provides_redis(plugins):
        raise ApplicationError(
            "rate_limits.storage is redis, and nothing provides Redis: list RedisPlugin in the builder's plugins and "
            "see that its section is enabled, or count in memory"
        )
    prefix = f"{who.service_namespace}:{who.service_name}:rate_limits"
    configure_rate_limits(app, RateLimitSettings(**limits.model_dump(), prefix=prefix))


def _provides_redis(plugins: Sequence[PluginAbstract[Any]]) -> bool:
    from fastapi_factory_utilities.core.plugins import redis_plugin  # noqa: PLC0415 - most services have none

    return any(getattr(plugin, "provides", None) is redis_plugin.depends_redis_client for plugin in plugins)
