"""Real backends for tests and demos, each started privately on loopback, and ended with whoever started it."""

from fastapi_factory_utilities.testing.servers.choose import (
    mongo_server,
    postgres_server,
    rabbitmq_server,
    redis_server,
)
from fastapi_factory_utilities.testing.servers.container import ContainerServer
from fastapi_factory_utilities.testing.servers.errors import BackendNotAvailable, ServerError
from fastapi_factory_utilities.testing.servers.external import ExternalServer
from fastapi_factory_utilities.testing.servers.mongo import MongodServer, SecantusServer
from fastapi_factory_utilities.testing.servers.postgres import PostgresServer
from fastapi_factory_utilities.testing.servers.private import PrivateServer
from fastapi_factory_utilities.testing.servers.rabbitmq import HasVhosts, RabbitMQServer
from fastapi_factory_utilities.testing.servers.rabbitmq_cluster import RabbitMQCluster
from fastapi_factory_utilities.testing.servers.redis import RedisServer
from fastapi_factory_utilities.testing.servers.redis_sentinel import RedisSentinelServers
from fastapi_factory_utilities.testing.servers.server import Server

__all__ = [
    "BackendNotAvailable",
    "ContainerServer",
    "ExternalServer",
    "HasVhosts",
    "MongodServer",
    "PostgresServer",
    "PrivateServer",
    "RabbitMQCluster",
    "RabbitMQServer",
    "RedisSentinelServers",
    "RedisServer",
    "SecantusServer",
    "Server",
    "ServerError",
    "mongo_server",
    "postgres_server",
    "rabbitmq_server",
    "redis_server",
]
