"""What every AMQP broker does, RabbitMQ and the one in memory: one suite for both.

A test class inherits it and says where the broker is::

    class TestInMemoryBroker(BrokerContract):
        @pytest.fixture
        def url(self, amqp_broker: InMemoryBroker) -> str:
            return amqp_broker.url
"""

from tests.contracts.brokers.connecting import Connecting
from tests.contracts.brokers.consuming import Consuming
from tests.contracts.brokers.dead_lettering import DeadLettering
from tests.contracts.brokers.declaring import Declaring
from tests.contracts.brokers.publishing import Publishing
from tests.contracts.brokers.routing import Routing
from tests.contracts.brokers.settling import Settling

__all__ = ["BrokerContract"]


class BrokerContract(Routing, Publishing, Consuming, Settling, DeadLettering, Declaring, Connecting):
    """All of it, written against plain aio-pika."""
