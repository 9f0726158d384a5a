"""The best way to a backend: the environment's, the machine's own, a container, or an honest "not available"."""

import os
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fastapi_factory_utilities.testing import BackendNotAvailable, Server, ServerError
from fastapi_factory_utilities.testing.servers import (
    ExternalServer,
    MongodServer,
    PostgresServer,
    PrivateServer,
    SecantusServer,
    mongo_server,
    postgres_server,
    redis_server,
)

VARIABLES = {
    mongo_server: "FFU_TEST_MONGO_URI",
    postgres_server: "FFU_TEST_POSTGRES_URI",
    redis_server: "FFU_TEST_REDIS_URI",
}


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without servers and without Docker."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr("fastapi_factory_utilities.testing.servers.postgres._DEBIAN_PROGRAMS", tmp_path)
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.usefixtures("bare_machine")
def test_without_any_way_the_error_names_every_way(make: Callable[..., Server]) -> None:
    with pytest.raises(BackendNotAvailable, match=f"set {VARIABLES[make]}.* install .* or start Docker"):
        make()


@pytest.mark.usefixtures("bare_machine")
def test_a_private_server_cannot_come_from_the_environment(
    make: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLES[make], "scheme://somewhere:1/")
    with pytest.raises(BackendNotAvailable) as caught:
        make(private=True)
    assert VARIABLES[make] not in str(caught.value)


def test_a_url_in_the_environment_comes_first(
    server: Server, make: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLES[make], server.uri)
    with make() as chosen:
        assert isinstance(chosen, ExternalServer)
        assert chosen.uri == server.uri
        assert not chosen.controllable
        for control in (chosen.kill, chosen.restart, chosen.freeze, chosen.thaw):
            with pytest.raises(ServerError, match="not ours"):
                control()
    assert server.answers()


def test_a_url_where_nobody_answers_is_a_failure_that_does_not_tell_the_url() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    absent = ExternalServer(
        "MongoDB", f"mongodb://u:hunter2@127.0.0.1:{port}", variable="V", default_port=1, deadline_seconds=0.1
    )
    with pytest.raises(ServerError, match="V names a server that cannot be reached") as caught, absent:
        pass
    assert "hunter2" not in str(caught.value)


def test_a_mongod_on_path_comes_before_secantus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # No registry here has mongod: a program of its name and options, with SecantusDB behind, takes its place.
    secantus = SecantusServer.executable()
    assert secantus
    mongod = tmp_path / "mongod"
    mongod.write_text(
        "#!/bin/sh\n"
        f'[ "$1 $3 $5 $7 $8" = "--bind_ip --port --dbpath --replSet ffu" ] || exit 9\n'
        f'exec {secantus} --host "$2" --port "$4" --storage-path "$6" --log-level WARNING\n'
    )
    mongod.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv(VARIABLES[mongo_server], raising=False)
    with mongo_server() as server:
        assert isinstance(server, MongodServer)
        assert server.answers()


def test_secantus_comes_when_there_is_no_mongod(monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("mongod"):
        pytest.skip("there is a mongod here")
    monkeypatch.delenv(VARIABLES[mongo_server], raising=False)
    assert isinstance(mongo_server(), SecantusServer)


def test_postgres_is_the_machines_newest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for version in ("9.6", "15", "9"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "initdb").touch()
    monkeypatch.setattr("fastapi_factory_utilities.testing.servers.postgres._DEBIAN_PROGRAMS", tmp_path)
    assert PostgresServer.programs() == tmp_path / "15" / "bin"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("mongodb://h:1", "mongodb://h:1/books"),
        ("mongodb://h:1/?replicaSet=r", "mongodb://h:1/books?replicaSet=r"),
        ("mongodb://u:p%40@h:1/admin", "mongodb://u:p%40@h:1/books?authSource=admin"),
        ("mongodb://u:p@h:1/x?authSource=y", "mongodb://u:p@h:1/books?authSource=y"),
        ("postgresql://u@h:1/postgres", "postgresql://u@h:1/books"),
    ],
)
def test_a_database_of_its_own_is_named_in_the_uri(uri: str, expected: str) -> None:
    assert ExternalServer("X", uri, variable="V", default_port=1).uri_for("books") == expected


def test_an_object_that_was_never_started_opens_nothing(make: Callable[..., Server]) -> None:
    server = make(private=True)
    assert isinstance(server, PrivateServer)
    assert server.pid is None
