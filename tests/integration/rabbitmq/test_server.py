"""Private RabbitMQ nodes: they do as they are told, and leave nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import aio_pika
import psutil
import pytest

from fastapi_factory_utilities.testing import BackendNotAvailable, Server, ServerError, no_leaks, rabbitmq_server
from fastapi_factory_utilities.testing.servers import ExternalServer, HasVhosts, RabbitMQServer
from fastapi_factory_utilities.testing.servers.container import docker_answers
from fastapi_factory_utilities.testing.servers.shared_rabbitmq import SharedRabbitMQ

pytestmark = pytest.mark.xdist_group("rabbitmq-private")
PATIENCE_SECONDS = 20.0


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.05)


def erlang_processes(mark: str) -> list[psutil.Process]:
    """Everything that runs with this text in its command line or environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if mark in "\0".join([*process.cmdline(), *process.environ().values()]):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


async def publish_and_count(uri: str) -> int | None:
    connection = await aio_pika.connect(uri)
    async with connection, connection.channel() as channel:
        message = aio_pika.Message(b"a", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.declare_queue("queue", durable=True)
        await channel.default_exchange.publish(message, routing_key="queue")
        return (await channel.declare_queue("queue", durable=True, passive=True)).declaration_result.message_count


async def test_it_keeps_port_and_data_through_kill_freeze_and_stop_and_leaves_nothing() -> None:
    with no_leaks():
        with RabbitMQServer() as server:
            uri, folder = server.add_vhost("room"), server.folder
            await publish_and_count(uri)
            assert server.pid is not None
            assert erlang_processes(str(folder))

            server.kill()
            assert not server.answers()
            server.start()
            assert server.uri_for("room") == uri
            assert await publish_and_count(uri) == 2

            server.freeze()
            assert not server.answers()
            server.thaw()
            server.wait_until_answers()
            server.stop()
            assert not server.answers()
        assert not folder.exists()
        wait_until(lambda: not erlang_processes(str(folder)), "all its processes end")


def test_node_and_port_mapper_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    script = """
import os, signal
from fastapi_factory_utilities.testing.servers import RabbitMQServer
server = RabbitMQServer()
server.start()
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    started = subprocess.run([sys.executable, "-c", script], env=environment, timeout=60, check=False)
    assert started.returncode == -signal.SIGKILL
    wait_until(lambda: not erlang_processes(str(tmp_path)), "all its processes end")
    wait_until(lambda: not list(tmp_path.iterdir()), "its folders are removed")


def test_all_workers_of_a_run_share_one_node_until_the_last_is_gone() -> None:
    run = uuid4().hex
    first, second = SharedRabbitMQ(run), SharedRabbitMQ(run)
    first.start()
    with second:
        assert second.uri == first.uri
        first.stop()
        assert second.answers()
        for harm in (second.kill, second.restart, second.freeze, second.thaw):
            with pytest.raises(ServerError, match="that all workers use"):
                harm()
        with pytest.raises(ServerError, match="does not run"):
            _ = first.uri
    wait_until(lambda: not erlang_processes(run), "the keeper and its node end")


async def test_virtual_hosts_know_nothing_of_each_other(rabbitmq_server: Server) -> None:
    assert isinstance(rabbitmq_server, HasVhosts)
    one, other = [rabbitmq_server.add_vhost(f"room {name} / {uuid4().hex}") for name in ("one", "other")]

    assert [await publish_and_count(uri) for uri in (one, other, one)] == [1, 1, 2]


async def test_a_virtual_host_that_is_removed_ends_its_connections(rabbitmq_server: Server) -> None:
    assert isinstance(rabbitmq_server, HasVhosts)
    name = uuid4().hex
    connection = await aio_pika.connect(rabbitmq_server.add_vhost(name))
    closed = asyncio.Event()
    connection.close_callbacks.add(lambda *_: closed.set())
    rabbitmq_server.delete_vhost(name)

    await asyncio.wait_for(closed.wait(), PATIENCE_SECONDS)
    with pytest.raises(aio_pika.exceptions.AMQPError):
        await aio_pika.connect(rabbitmq_server.uri_for(name))
    with pytest.raises(ServerError, match="no_such_vhost"):
        rabbitmq_server.delete_vhost(name)
    await connection.close()


def test_a_uri_in_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FFU_TEST_RABBITMQ_URI", "amqp://somewhere")
    chosen = rabbitmq_server()
    assert isinstance(chosen, ExternalServer)
    assert chosen.uri == "amqp://somewhere"
    assert isinstance(rabbitmq_server(private=True), RabbitMQServer)


def test_a_machine_without_any_says_what_would_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FFU_TEST_RABBITMQ_URI", raising=False)
    monkeypatch.setattr(RabbitMQServer, "executable", lambda: None)
    monkeypatch.setattr("fastapi_factory_utilities.testing.servers.choose.docker_answers", lambda: False)
    with pytest.raises(BackendNotAvailable, match=r"no RabbitMQ .set FFU_TEST_RABBITMQ_URI, install rabbitmq-server"):
        rabbitmq_server()


async def test_a_container_has_virtual_hosts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    if not docker_answers():
        pytest.skip("no Docker engine: the other ways to RabbitMQ are tested without it")
    monkeypatch.setattr(RabbitMQServer, "executable", lambda: None)
    with rabbitmq_server(private=True) as server:
        assert isinstance(server, HasVhosts)
        assert await publish_and_count(server.add_vhost("room")) == 1
        server.kill()
        server.start()
        assert await publish_and_count(server.uri_for("room")) == 2
        server.delete_vhost("room")
