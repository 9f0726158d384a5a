"""RabbitMQ for a service: the plugin, topology, messages, publishers, listeners (FR22-FR25).

Importing the package needs no driver; what needs one says how to install it when it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.plugins.aiopika.config import AiopikaConfig
from fastapi_factory_utilities.core.plugins.aiopika.errors import (
    AiopikaPluginBaseError,
    BrokerUnavailableError,
    InvalidMessageError,
    MessageDefinitionError,
    MessageRefusedError,
    NotAllPublishedError,
    TopologyError,
    UnroutableMessageError,
)
from fastapi_factory_utilities.core.plugins.aiopika.handling_signals import Reject, Retry
from fastapi_factory_utilities.core.plugins.aiopika.message import GenericMessage
from fastapi_factory_utilities.core.plugins.aiopika.names import ExchangeName, QueueName, RoutingKey
from fastapi_factory_utilities.core.plugins.aiopika.plugin import AiopikaPlugin
from fastapi_factory_utilities.core.plugins.aiopika.provided import (
    depends_aiopika_robust_connection,
    depends_message_sender,
    depends_publisher,
)
from fastapi_factory_utilities.core.plugins.aiopika.publisher import AbstractPublisher
from fastapi_factory_utilities.core.plugins.aiopika.retry import NO_RETRY, RetryPolicy
from fastapi_factory_utilities.core.plugins.aiopika.topology import Binding, Exchange, Queue

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiopika.connection import BrokerConnection
    from fastapi_factory_utilities.core.plugins.aiopika.dead_letters import DeadLetter, DeadLetters
    from fastapi_factory_utilities.core.plugins.aiopika.listener import AbstractListener
    from fastapi_factory_utilities.core.plugins.aiopika.listening import listen

__all__ = [
    "NO_RETRY",
    "AbstractListener",
    "AbstractPublisher",
    "AiopikaConfig",
    "AiopikaPlugin",
    "AiopikaPluginBaseError",
    "Binding",
    "BrokerConnection",
    "BrokerUnavailableError",
    "DeadLetter",
    "DeadLetters",
    "Exchange",
    "ExchangeName",
    "GenericMessage",
    "InvalidMessageError",
    "MessageDefinitionError",
    "MessageRefusedError",
    "NotAllPublishedError",
    "Queue",
    "QueueName",
    "Reject",
    "Retry",
    "RetryPolicy",
    "RoutingKey",
    "TopologyError",
    "UnroutableMessageError",
    "depends_aiopika_robust_connection",
    "depends_message_sender",
    "depends_publisher",
    "listen",
]

_LATE = {
    "AbstractListener": "listener",
    "BrokerConnection": "connection",
    "DeadLetter": "dead_letters",
    "DeadLetters": "dead_letters",
    "listen": "listening",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Import what needs the driver when somebody asks for it."""
    if name in _LATE:
        return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
