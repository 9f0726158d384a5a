"""What RabbitMQ does, so that the broker in memory cannot promise anything else."""

import pytest

from tests.contracts.broker import BrokerContract


class TestRabbitMQ(BrokerContract):
    @pytest.fixture
    def url(self, rabbitmq_uri: str) -> str:
        return rabbitmq_uri
