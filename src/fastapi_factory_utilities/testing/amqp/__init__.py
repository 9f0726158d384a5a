"""A message broker in memory, which speaks AMQP 0-9-1: for tests and demos without RabbitMQ.

It needs the extra `amqp`: what reads and writes its frames comes with aio-pika.
"""

from fastapi_factory_utilities.core.plugins.extras import require_extra

require_extra("amqp", "pamqp")

from fastapi_factory_utilities.testing.amqp.broker import InMemoryBroker  # noqa: E402 - needs pamqp
from fastapi_factory_utilities.testing.amqp.exchanges import Binding  # noqa: E402 - needs pamqp
from fastapi_factory_utilities.testing.amqp.views import QueueView, StoredMessage  # noqa: E402 - needs pamqp

__all__ = ["Binding", "InMemoryBroker", "QueueView", "StoredMessage"]
