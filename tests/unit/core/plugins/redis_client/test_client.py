"""How a client is made, before any server; how it works is in tests/integration/redis."""

from typing import Any

import pytest
from redis.asyncio.connection import SSLConnection, UnixDomainSocketConnection
from redis.asyncio.sentinel import SentinelManagedSSLConnection

from fastapi_factory_utilities.core.plugins.redis_client import RedisConfig, make_client


def pool_of(**config: Any) -> Any:
    return make_client(RedisConfig.model_validate(config), name="my service").connection_pool


def test_the_section_decides_on_time_and_connections() -> None:
    pool = pool_of(url="redis://u:p%40ss@host:1/3", connection_timeout_ms=100, operation_timeout_ms=300)
    options = pool.connection_kwargs
    assert (options["host"], options["port"], options["db"], options["password"]) == ("host", 1, 3, "p@ss")
    assert (options["socket_connect_timeout"], options["socket_timeout"]) == (0.1, 0.3)
    assert options["client_name"] == "my_service", "a name cannot have spaces"
    assert pool.timeout == 0.3
    patient = make_client(RedisConfig.model_validate({"url": "redis://host"}), patience_seconds=5)
    assert patient.connection_pool.connection_kwargs["socket_timeout"] == 7.0


def test_tls_and_sockets_are_what_the_url_says() -> None:
    assert pool_of(url="rediss://host?ssl_ca_certs=/ca.pem").connection_class is SSLConnection
    unix = pool_of(url="unix:///run/redis.sock?db=2")
    assert unix.connection_class is UnixDomainSocketConnection
    assert (unix.connection_kwargs["path"], unix.connection_kwargs["db"]) == ("/run/redis.sock", 2)


@pytest.mark.parametrize("url", [None, "rediss://u:secret@ignored:1/3"])
def test_sentinels_are_asked_where_the_primary_is(url: str | None) -> None:
    pool = pool_of(
        url=url,
        sentinels=["one:26379", "[::1]:26380"],
        sentinel_service="main",
        sentinel_password="other",
        connection_timeout_ms=100,
    )
    assert pool.service_name == "main"
    asked = [sentinel.connection_pool.connection_kwargs for sentinel in pool.sentinel_manager.sentinels]
    assert [(options["host"], options["port"]) for options in asked] == [("one", 26379), ("::1", 26380)]
    assert {options["password"] for options in asked} == {"other"}
    assert {options["socket_timeout"] for options in asked} == {0.1}
    assert "host" not in pool.connection_kwargs
    if url is not None:
        assert pool.connection_class is SentinelManagedSSLConnection
        assert (pool.connection_kwargs["password"], pool.connection_kwargs["db"]) == ("secret", 3)
    assert "secret" not in repr(pool)
    assert "other" not in repr(pool)
