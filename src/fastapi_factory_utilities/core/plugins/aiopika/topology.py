"""Exchanges and queues, as data; declared by the plugin, or by hand with `setup()`.

::

    BOOKS = Exchange("books", "topic")
    INDEX = Queue("books.index", BOOKS, "books.*", queue_type="quorum")
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from fastapi_factory_utilities.core.plugins.aiopika.names import ExchangeName, QueueName, RoutingKey
from fastapi_factory_utilities.core.plugins.aiopika.resource import Resource

if TYPE_CHECKING:
    from aio_pika import ExchangeType

__all__ = ["Binding", "Exchange", "Queue"]

_MILLISECONDS: Final = 1000
_REPLICATED: Final = ("quorum", "stream")


@dataclass
class Exchange(Resource):
    """An exchange; two that say the same are equal. Do not change one that is in use.

    Attributes:
        name: Its name; at most 255 bytes.
        exchange_type: `direct`, `topic`, `fanout`, `headers`, or one of a plugin of the broker.
        durable: Whether it survives a restart of the broker.
        auto_delete: Whether it goes with its last binding.
        internal: Whether only exchanges may publish to it.
        passive: Only check that it is there, whatever it is like.
        timeout: How long declaring it may take, in seconds.
        arguments: What else the broker should know, such as `{"alternate-exchange": "lost"}`.
        bindings: Exchanges that it gets messages from.
    """

    name: str
    exchange_type: "ExchangeType | str" = "topic"
    durable: bool = True
    auto_delete: bool = False
    internal: bool = False
    passive: bool = False
    timeout: float = 10.0
    arguments: Mapping[str, Any] | None = None
    bindings: "Sequence[Binding]" = ()

    def __post_init__(self) -> None:
        self.name = ExchangeName(self.name)

    async def setup(self) -> None:
        """Declare it on the broker.

        Raises:
            TopologyError: It exists and is another, or must exist and does not.
            BrokerUnavailableError: The broker does not answer.
            AiopikaPluginBaseError: It was given neither a connection nor a channel.
        """
        await _setup(self)


@dataclass
class Binding:
    """What makes an exchange hand messages to a queue, or to another exchange.

    Attributes:
        exchange: Where messages come from.
        routing_key: Which ones; what it means depends on the type of the exchange.
        arguments: For an exchange of type `headers`: the headers to look for, and `{"x-match": "all"}` or `"any"`.
    """

    exchange: Exchange
    routing_key: str = ""
    arguments: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        self.routing_key = RoutingKey(self.routing_key)


@dataclass
class Queue(Resource):
    """A queue and its bindings; two that say the same are equal. Do not change one that is in use.

    Attributes:
        name: Its name; at most 255 bytes.
        exchange: Where its messages come from; without one it gets what is published to the default exchange under
            its name.
        routing_key: Which of the exchange's messages; or several keys.
        durable: Whether it survives a restart of the broker.
        auto_delete: Whether it goes with its last consumer.
        exclusive: Whether it belongs to this connection alone, and goes with it.
        timeout: How long declaring it and each binding may take, in seconds.
        passive: Only check that it is there, whatever it is like; it is bound all the same.
        queue_type: `classic`, `quorum` (replicated: nothing is lost with a node) or `stream`; by default the virtual
            host's.
        dead_letter_exchange: Where rejected and expired messages go; empty is the default exchange.
        dead_letter_routing_key: Under which key; by default their own.
        message_ttl_seconds: After which time a message expires.
        expires_seconds: After which time without a consumer the queue itself goes.
        max_length: How many messages it holds.
        overflow: What happens to one too many: `drop-head` (the oldest goes), `reject-publish` (its publisher gets a
            `MessageRefusedError`), `reject-publish-dlx`.
        max_priority: The highest priority; without it, there are none.
        single_active_consumer: Whether one consumer gets all messages until it goes away.
        arguments: What else the broker should know; these win.
        bindings: Further bindings.

    Raises:
        ValueError: A name is too long, or a replicated queue is not durable.
    """

    name: str
    exchange: Exchange | None = None
    routing_key: str | Sequence[str] = ""
    durable: bool = True
    auto_delete: bool = False
    exclusive: bool = False
    timeout: float = 10.0
    passive: bool = False
    queue_type: Literal["classic", "quorum", "stream"] | None = None
    dead_letter_exchange: str | None = None
    dead_letter_routing_key: str | None = None
    message_ttl_seconds: float | None = None
    expires_seconds: float | None = None
    max_length: int | None = None
    overflow: Literal["drop-head", "reject-publish", "reject-publish-dlx"] | None = None
    max_priority: int | None = None
    single_active_consumer: bool = False
    arguments: Mapping[str, Any] | None = None
    bindings: Sequence[Binding] = ()

    def __post_init__(self) -> None:
        self.name = QueueName(self.name)
        if self.queue_type in _REPLICATED and (not self.durable or self.exclusive or self.auto_delete):
            raise ValueError(
                f"queue {self.name!r}: a {self.queue_type} queue must be durable, and neither exclusive nor auto_delete"
            )
        self.all_bindings()

    def all_arguments(self) -> dict[str, Any]:
        """Return its arguments as the broker knows them."""
        known = {
            "x-queue-type": self.queue_type,
            "x-dead-letter-exchange": self.dead_letter_exchange,
            "x-dead-letter-routing-key": self.dead_letter_routing_key,
            "x-message-ttl": _in_milliseconds(self.message_ttl_seconds),
            "x-expires": _in_milliseconds(self.expires_seconds),
            "x-max-length": self.max_length,
            "x-overflow": self.overflow,
            "x-max-priority": self.max_priority,
            "x-single-active-consumer": self.single_active_consumer or None,
        }
        return {**{name: value for name, value in known.items() if value is not None}, **(self.arguments or {})}

    def all_bindings(self) -> list[Binding]:
        """Return its bindings, the one to `exchange` among them."""
        if self.exchange is None or not self.exchange.name:
            return list(self.bindings)  # every queue is bound to the default exchange, and to that by nothing else
        keys = [self.routing_key] if isinstance(self.routing_key, str) else self.routing_key
        return [*(Binding(self.exchange, key) for key in keys), *self.bindings]

    async def setup(self) -> None:
        """Declare it on the broker, with the exchanges that it is bound to and its bindings.

        Raises:
            TopologyError: It exists and is another, or must exist and does not; or one of its exchanges.
            BrokerUnavailableError: The broker does not answer.
            AiopikaPluginBaseError: It was given neither a connection nor a channel.
        """
        await _setup(self)


def _in_milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * _MILLISECONDS)


async def _setup(item: Exchange | Queue) -> None:
    from fastapi_factory_utilities.core.plugins.aiopika.declaring import (  # noqa: PLC0415 - data needs no driver
        declare_on_channel,
        declare_with,
        in_order,
    )

    channel, connection = item._channel, item._connection  # noqa: SLF001 - both classes are of this module
    if channel is None and connection is None:
        raise item._no_connection(item.name)  # noqa: SLF001 - see above
    for each in in_order([item]):
        if channel is not None:
            await declare_on_channel(channel, each)
        elif connection is not None:
            await declare_with(connection, each)
