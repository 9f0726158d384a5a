"""The broker in memory keeps to what RabbitMQ does."""

import pytest

from fastapi_factory_utilities.testing.amqp import InMemoryBroker
from tests.contracts.broker import BrokerContract


class TestInMemoryBroker(BrokerContract):
    @pytest.fixture
    def url(self, amqp_broker: InMemoryBroker) -> str:
        return amqp_broker.url
