"""How a client of Redis is made."""

import re
from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import urlsplit

from fastapi_factory_utilities.core.plugins.redis_client import required  # noqa: F401 - says how to install the rest

# isort: split
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.backoff import NoBackoff

from fastapi_factory_utilities.core.plugins.redis_client.config import RedisConfig
from fastapi_factory_utilities.core.plugins.redis_client.told import Commands, ToldRedis
from fastapi_factory_utilities.core.telemetry import NO_TELEMETRY, Telemetry

__all__ = ["make_client"]

# Redis refuses a client name with spaces or line breaks (CLIENT SETNAME).
_NOT_IN_A_NAME: Final = re.compile(r"[^!-~]+")


def make_client(
    config: RedisConfig, *, name: str = "", patience_seconds: float = 0.0, telemetry: Telemetry = NO_TELEMETRY
) -> Redis:
    """Make a client, which connects when it is used: it is made while Redis is down, too.

    No command is sent twice: one that fails has failed, and may have been done all the same. A connection that broke
    while it was idle is replaced before the next command. Close it: `async with make_client(config) as client`, or
    `await client.aclose()`.

    Args:
        config: Where Redis is, and the timeouts.
        name: How the server lists our connections (`CLIENT LIST`).
        patience_seconds: How much longer than `operation_timeout_ms` an answer may take, for commands that wait on the
            server.
        telemetry: Where its commands are told of.
    """
    options = _options(config, name=name, patience_seconds=patience_seconds)
    assert config.sentinels or config.url is not None  # noqa: S101 - the section's validator says so
    pool = _sentinel_pool(config, options) if config.sentinels else BlockingConnectionPool(**options)
    if not telemetry.active:
        return Redis.from_pool(pool)
    client = cast("ToldRedis", ToldRedis.from_pool(pool))  # what the driver makes is of the class that it is asked of
    client.told = Commands(
        telemetry, database=options.get("db", 0), host=pool.connection_kwargs.get("host"), port=options.get("port")
    )
    return client


def _options(config: RedisConfig, *, name: str, patience_seconds: float) -> dict[str, Any]:
    """The driver's options; those of the URL among them."""
    connect_seconds, answer_seconds = config.connection_timeout_ms / 1000, config.operation_timeout_ms / 1000
    return {
        **_options_of_url(config),
        **({"client_name": _NOT_IN_A_NAME.sub("_", name)} if name else {}),
        "protocol": 2,
        "socket_connect_timeout": connect_seconds,
        "socket_timeout": answer_seconds + patience_seconds,
        "socket_keepalive": True,
        "retry": _never_again(),
        "max_connections": config.max_connections,
        "timeout": answer_seconds,
    }


def _options_of_url(config: RedisConfig) -> Mapping[str, Any]:
    url = config.url.get_secret_value() if config.url is not None else ""
    # The driver reads a unix:// URL's database only from the option.
    return parse_url(url) if urlsplit(url).scheme else {}


def _never_again() -> Retry:
    return Retry(NoBackoff(), 0)


class _SentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """Connections to whichever server is the primary; a caller waits for a free one, as with a single server."""

    async def disconnect(self, inuse_connections: bool = True) -> None:  # noqa: FBT001, FBT002 - the driver's signature
        """Close the connections; all of them, when the client is closed, with those to the Sentinels."""
        await super().disconnect(inuse_connections)
        if inuse_connections:
            for sentinel in self.sentinel_manager.sentinels:
                await sentinel.aclose()


def _sentinel_pool(config: RedisConfig, options: dict[str, Any]) -> _SentinelPool:
    # Where the primary is, the Sentinels know.
    options = {key: value for key, value in options.items() if key not in {"host", "port"}}
    is_tls = options.pop("connection_class", None) is SSLConnection
    sentinel_options = {
        key: value for key, value in options.items() if key.startswith(("socket_", "ssl_")) or key == "protocol"
    }
    password = config.sentinel_password
    sentinels = Sentinel(  # type: ignore[no-untyped-call]  # the driver's constructor has no types
        [_host_and_port(sentinel) for sentinel in config.sentinels],
        sentinel_kwargs={
            **sentinel_options,
            "socket_timeout": config.connection_timeout_ms / 1000,
            "retry": _never_again(),
            "ssl": is_tls,
            "username": config.sentinel_username,
            "password": password.get_secret_value() if password is not None else None,
        },
    )
    connection_class = SentinelManagedSSLConnection if is_tls else SentinelManagedConnection
    return _SentinelPool(  # type: ignore[no-untyped-call]  # likewise
        config.sentinel_service, sentinels, connection_class=connection_class, **options
    )


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
