"""Publishers: typed messages to one exchange, each confirmed by the broker."""

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fastapi_factory_utilities.core.plugins.aiopika.errors import (
    AiopikaPluginBaseError,
    BrokerUnavailableError,
    NotAllPublishedError,
)
from fastapi_factory_utilities.core.plugins.aiopika.message import GenericMessage
from fastapi_factory_utilities.core.plugins.aiopika.resource import Resource
from fastapi_factory_utilities.core.plugins.aiopika.topology import Exchange

if TYPE_CHECKING:
    from aio_pika.abc import AbstractChannel

    from fastapi_factory_utilities.core.plugins.aiopika.connection import BrokerConnection
    from fastapi_factory_utilities.core.plugins.aiopika.outlet import Outlet

__all__ = ["AbstractPublisher"]

_DEFAULT_TIMEOUT_SECONDS: Final = 5.0


class AbstractPublisher[MessageT: GenericMessage[Any]](Resource):
    """Publishes messages of one kind to one exchange.

    ::

        class BookEvents(AbstractPublisher[BookMessage]):
            \"\"\"What happens to books.\"\"\"

        AiopikaPlugin(publishers=[BookEvents(BOOKS)])
        Events = Annotated[BookEvents, Depends(depends_publisher(BookEvents))]

    Messages are persistent, and `publish` returns when the broker has confirmed that it keeps the message in a queue.
    Any number may be on their way at once; none waits for another's confirmation.

    Args:
        exchange: Where they go; the plugin declares it.
        name: What tells it from others of its class; by default the name of the class.
    """

    def __init__(self, exchange: Exchange, name: str | None = None) -> None:
        self._exchange = exchange
        self._given_name = name
        self._timeout_seconds = _DEFAULT_TIMEOUT_SECONDS
        self._outlet: Outlet | None = None
        self._owner: BrokerConnection | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} to exchange {self._exchange.name!r}>"

    @property
    def name(self) -> str:
        """What it is called."""
        return self._given_name or type(self).__name__

    @property
    def exchange(self) -> Exchange:
        """Where its messages go."""
        return self._exchange

    @property
    def is_in_use(self) -> bool:
        """Whether a running plugin's connection was given to it."""
        return self._owner is not None and not self._owner.is_closed

    def set_robust_connection(
        self,
        connection: Any,  # noqa: ANN401 - aio-pika's signatures are looser
        *,
        timeout_seconds: float | None = None,
    ) -> "AbstractPublisher[MessageT]":
        """Give it the connection to use; the plugin's, or one of aio-pika.

        Args:
            connection: The connection.
            timeout_seconds: How long a publish may take, unless it says otherwise; by default 5 s.
        """
        from fastapi_factory_utilities.core.plugins.aiopika.connection import (  # noqa: PLC0415 - needs the driver
            BrokerConnection,
        )

        super().set_robust_connection(connection)
        if timeout_seconds is not None:
            self._timeout_seconds = timeout_seconds
        if isinstance(connection, BrokerConnection):
            self._owner = connection
            self._outlet = connection.outlet(self._exchange.name)
        else:
            self._outlet = _foreign_outlet(self._exchange.name, connection=connection)
        return self

    def set_channel(self, channel: "AbstractChannel") -> "AbstractPublisher[MessageT]":
        """Give it an open channel to use, as long as that lasts."""
        super().set_channel(channel)
        self._outlet = _foreign_outlet(self._exchange.name, channel=channel)
        return self

    async def setup(self) -> None:
        """Declare its exchange; the plugin does so by itself.

        Raises:
            TopologyError: It exists and is another.
            BrokerUnavailableError: The broker does not answer.
        """
        if self._connection is None and self._channel is None:
            raise self._no_connection(self.name)
        exchange = self._exchange
        if self._connection is not None:
            exchange.set_robust_connection(self._connection)
        if self._channel is not None:
            exchange.set_channel(self._channel)
        await exchange.setup()

    async def publish(self, message: MessageT, routing_key: str, *, timeout_seconds: float | None = None) -> None:
        """Publish a message, and return when the broker has confirmed it.

        Without a connection it waits for one. A message whose confirmation was lost with the connection is sent again,
        with the same `message_id`: it may arrive twice.

        Args:
            message: The message.
            routing_key: What the exchange routes it by.
            timeout_seconds: How long it may take, all of that included; by default what the section says.

        Raises:
            UnroutableMessageError: No queue takes it.
            MessageRefusedError: The broker cannot keep it now.
            BrokerUnavailableError: It was not confirmed in time; it may have arrived all the same.
        """
        outlet = self._outlet
        if outlet is None:
            raise self._no_connection(self.name)
        seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        await outlet.publish_told(seconds, routing_key, message.to_bytes(), outlet.properties(message))

    async def publish_many(
        self, messages: Iterable[MessageT], routing_key: str, *, timeout_seconds: float | None = None
    ) -> None:
        """Publish messages all at once, and return when the broker has confirmed every one.

        They are sent in their order; each is confirmed, or not, by itself.

        Args:
            messages: The messages.
            routing_key: What the exchange routes them by.
            timeout_seconds: How long all together may take; by default what the section says for one.

        Raises:
            NotAllPublishedError: Some were not confirmed; its `failures` says which, by their position, and why.
        """
        outlet = self._outlet
        if outlet is None:
            raise self._no_connection(self.name)
        seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        # Those that are told of keep the deadline themselves, so that their spans end as failures.
        is_told = outlet.spans.active
        publish = partial(outlet.publish_told, seconds) if is_told else outlet.publish
        tasks = [
            asyncio.ensure_future(publish(routing_key, message.to_bytes(), outlet.properties(message)))
            for message in messages
        ]
        if not tasks:
            return
        try:
            await asyncio.wait(tasks, timeout=None if is_told else seconds)
        finally:
            late = [task for task in tasks if not task.done()]
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        failures: dict[int, AiopikaPluginBaseError] = {}
        for position, task in enumerate(tasks):
            if task.cancelled():
                failures[position] = outlet.deadline_passed(seconds)
            elif (error := task.exception()) is not None:
                if not isinstance(error, AiopikaPluginBaseError):
                    raise error
                failures[position] = error
        if failures:
            raise _not_all(failures, len(tasks), self._exchange.name)


def _foreign_outlet(exchange: str, *, connection: Any = None, channel: Any = None) -> "Outlet":  # noqa: ANN401
    from fastapi_factory_utilities.core.plugins.aiopika.foreign import (  # noqa: PLC0415 - needs the driver
        ForeignChannel,
        ForeignConnection,
    )
    from fastapi_factory_utilities.core.plugins.aiopika.outlet import Outlet  # noqa: PLC0415 - likewise

    return Outlet(ForeignConnection(connection) if channel is None else ForeignChannel(channel), exchange)


def _not_all(failures: dict[int, AiopikaPluginBaseError], count: int, exchange: str) -> AiopikaPluginBaseError:
    first = next(iter(failures.values()))
    message = f"{len(failures)} of {count} messages for exchange {exchange!r} were not published; the first: {first}"
    if all(isinstance(failure, BrokerUnavailableError) for failure in failures.values()):
        return _NoneAnsweredError(message, failures)
    return NotAllPublishedError(message, failures)


class _NoneAnsweredError(NotAllPublishedError, BrokerUnavailableError):
    """The broker was away for all that failed; over HTTP a 503."""
