"""A connection of ours, and one of aio-pika that looks at what arrived."""

from collections.abc import AsyncIterator, Iterator

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from fastapi_factory_utilities.core.plugins.aiopika import BrokerConnection
from fastapi_factory_utilities.testing.servers import BackendNotAvailable, RabbitMQServer
from tests.integration.rabbitmq.shown import connected


@pytest.fixture
async def connection(rabbitmq_uri: str) -> AsyncIterator[BrokerConnection]:
    async with connected(rabbitmq_uri) as connection:
        yield connection


@pytest.fixture
async def observer(rabbitmq_uri: str) -> AsyncIterator[AbstractChannel]:
    """A channel of aio-pika that has nothing to do with ours."""
    async with await aio_pika.connect(rabbitmq_uri) as line, line.channel() as channel:
        yield channel


@pytest.fixture(scope="module")
def killable_rabbitmq() -> Iterator[RabbitMQServer]:
    """A RabbitMQ for the tests of one module, to kill, freeze and restart; each leaves it running."""
    if RabbitMQServer.executable() is None:
        raise BackendNotAvailable("RabbitMQ", "install rabbitmq-server")
    with RabbitMQServer() as server:
        yield server
