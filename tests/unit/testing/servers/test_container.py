"""Whether there is a Docker engine is asked without leaving anything open; containers are used where there is one."""

import socket
from pathlib import Path

import pytest

from fastapi_factory_utilities.testing import Server, mongo_server, no_leaks, postgres_server
from fastapi_factory_utilities.testing.servers import ContainerServer
from fastapi_factory_utilities.testing.servers.container import docker_answers


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where Docker is looked for."""
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    return path


def test_without_an_engine_the_answer_is_no_and_nothing_is_left_open(engine: Path) -> None:
    with no_leaks():
        assert not docker_answers()


def test_a_socket_that_accepts_is_an_engine(engine: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(engine))
        listener.listen()
        assert docker_answers()


def test_an_engine_over_tcp_is_knocked_on_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        assert docker_answers()
    assert not docker_answers()


@pytest.mark.parametrize("make", [mongo_server, postgres_server])
def test_a_container_does_as_it_is_told(make: type[Server], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not docker_answers():
        pytest.skip("no Docker engine: the other ways to a backend are tested without it")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setattr("fastapi_factory_utilities.testing.servers.postgres._DEBIAN_PROGRAMS", tmp_path)
    with make() as server:
        assert isinstance(server, ContainerServer)
        server.kill()
        assert not server.answers()
        server.start()
        assert server.answers()
        server.freeze()
        assert not server.answers()
        server.thaw()
        server.wait_until_answers()
