"""What can go wrong between a service and its message broker.

::

    AiopikaPluginBaseError                         something about the broker or a message
    ├── BrokerUnavailableError                     no connection, or no answer in time; over HTTP a 503
    │   └── MessageRefusedError                    the broker answered that it cannot keep the message now (nack)
    ├── NotAllPublishedError                       of many messages published at once, some were not
    ├── UnroutableMessageError                     no queue takes a message with this routing key
    ├── TopologyError                              one exchange or queue could not be declared
    ├── InvalidMessageError (a ValueError too)     what came in does not fit the message's type
    └── MessageDefinitionError (a TypeError too)   a message, publisher or listener is written in a way that cannot work

No message and no field ever holds a message's content or the broker's URL.
"""

from collections.abc import Mapping

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError, FastAPIFactoryUtilitiesError

__all__ = [
    "AiopikaPluginBaseError",
    "BrokerUnavailableError",
    "InvalidMessageError",
    "MessageDefinitionError",
    "MessageRefusedError",
    "NotAllPublishedError",
    "TopologyError",
    "UnroutableMessageError",
]


class AiopikaPluginBaseError(FastAPIFactoryUtilitiesError):
    """Something about the message broker, or about a message."""


class BrokerUnavailableError(AiopikaPluginBaseError, BackendUnavailableError):
    """The broker is away or did not confirm in time; a message may have arrived all the same."""


class MessageRefusedError(BrokerUnavailableError):
    """The broker said that it cannot keep the message now: its queue is full, or it is in trouble itself."""


class UnroutableMessageError(AiopikaPluginBaseError):
    """No queue takes the message; the fields `exchange` and `routing_key` say where it should have gone."""


class NotAllPublishedError(AiopikaPluginBaseError):
    """Of many messages published at once, some were not confirmed; the rest was.

    Also a `BrokerUnavailableError` where that is what each of them failed with.

    Args:
        message: How many.
        failures: Why, by the position of the message.
    """

    def __init__(self, message: str, failures: Mapping[int, AiopikaPluginBaseError]) -> None:
        super().__init__(message, positions=tuple(failures))
        self.failures = failures


class TopologyError(AiopikaPluginBaseError):
    """One exchange or queue could not be declared; the fields `kind` and `name` say which, `code` is AMQP's."""


class InvalidMessageError(AiopikaPluginBaseError, ValueError):
    """What came in does not fit the message's type; the field `problems` has places and kinds, never values."""


class MessageDefinitionError(AiopikaPluginBaseError, TypeError):
    """A message, a publisher or a listener is written in a way that cannot work; told before anything is sent."""
