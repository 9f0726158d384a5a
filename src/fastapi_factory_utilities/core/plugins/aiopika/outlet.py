"""The way out to one exchange: many messages at once on one channel, each confirmed."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from fastapi_factory_utilities.core.plugins.aiopika import required  # noqa: F401 - tells how to install what follows

# isort: split
from aiormq.exceptions import AMQPError, ChannelClosed, ChannelNotFoundEntity, DeliveryError
from pamqp.commands import Basic

from fastapi_factory_utilities.core.plugins.aiopika.driver_calls import own_cancellations
from fastapi_factory_utilities.core.plugins.aiopika.errors import (
    AiopikaPluginBaseError,
    BrokerUnavailableError,
    MessageRefusedError,
    UnroutableMessageError,
)
from fastapi_factory_utilities.core.plugins.aiopika.message import CONTENT_TYPE, GenericMessage
from fastapi_factory_utilities.core.plugins.aiopika.spans import PublishingSpans, telemetry_of

if TYPE_CHECKING:
    from aiormq.abc import AbstractChannel
    from aiormq.channel import Channel

__all__ = ["Channels", "Outlet"]

_PERSISTENT: Final = 2
_AFTER_LOSS_SECONDS: Final = 0.02
_BETWEEN_DOUBTS_SECONDS: Final = 1.0
_LAST_ANSWERS_SECONDS: Final = 5.0
_CHECK_SECONDS: Final = 5.0


class Channels(Protocol):
    """A connection, as far as publishing is concerned."""

    @property
    def last_error(self) -> str | None:
        """Why there is no connection; None while there is one."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether it is over, for good."""
        ...

    async def open_channel(self, *, confirmed: bool) -> "AbstractChannel":
        """Wait for the connection, and open a channel of the driver."""
        ...


class Outlet:
    """Publishes to one exchange; each exchange has a channel of its own, since a missing one closes its channel.

    A message whose confirmation is lost with the line is sent again on the next one, with the same identity: it arrives
    at least once, or its publisher is told.

    Args:
        connection: Whose channels it uses.
        exchange: The exchange's name.
        max_unconfirmed: How many messages may be on their way at once.

    Attributes:
        spans: Tells of what is published here by those who want it told; a message that only moves is not.
    """

    def __init__(self, connection: Channels, exchange: str, max_unconfirmed: int = 1000) -> None:
        self._connection = connection
        self._exchange = exchange
        self.spans: PublishingSpans = PublishingSpans(telemetry_of(connection), exchange)
        self._channel: Channel | None = None
        self._opening: asyncio.Task[Channel] | None = None
        # What is on its way, by message id; the future is for those who wait for the same id.
        self._under_way: dict[str, asyncio.Future[None] | None] = {}
        self._room = asyncio.Semaphore(max_unconfirmed)
        self._doubted: Channel | None = None
        self._doubted_at = -_BETWEEN_DOUBTS_SECONDS
        self._leaving: set[asyncio.Task[None]] = set()

    @staticmethod
    def properties(message: GenericMessage[Any]) -> Basic.Properties:
        """Return what AMQP says of a message beside its content: persistent, with its headers and identity."""
        envelope = message.envelope()
        return Basic.Properties(
            content_type=CONTENT_TYPE,
            delivery_mode=_PERSISTENT,
            headers=dict(envelope["_headers"]),
            message_id=envelope["_message_id"],
            correlation_id=envelope["_correlation_id"],
            timestamp=datetime.now(UTC),
        )

    async def publish(self, routing_key: str, body: bytes, properties: Basic.Properties) -> None:
        """Return when the broker has confirmed the message; the caller sets the deadline.

        Args:
            routing_key: What it is routed by.
            body: Its content.
            properties: With a `message_id`.

        Raises:
            UnroutableMessageError: No queue takes it, or there is no such exchange.
            MessageRefusedError: The broker cannot keep it.
            AiopikaPluginBaseError: The broker does not allow it.
        """
        message_id = properties.message_id or ""
        async with self._room:
            while message_id in self._under_way:
                await self._other_ended(message_id)
            self._under_way[message_id] = None
            try:
                await self._publish(routing_key, body, properties)
            finally:
                waiting = self._under_way.pop(message_id)
                if waiting is not None:
                    waiting.set_result(None)

    async def _publish(self, routing_key: str, body: bytes, properties: Basic.Properties) -> None:
        task = asyncio.current_task()
        cancellations = task.cancelling() if task else 0
        while True:
            try:
                channel = self._channel
                if channel is None or channel.is_closed:
                    channel = await self._next_channel()
                confirmed: Any = await channel.basic_publish(
                    body,
                    exchange=self._exchange,
                    routing_key=routing_key,
                    properties=properties,
                    mandatory=True,
                    wait=False,
                )
            except asyncio.CancelledError:
                # The driver also raises it when a line ends; see `own_cancellations`.
                if task is None or task.cancelling() > cancellations:
                    raise
            except (AMQPError, BrokerUnavailableError, OSError, RuntimeError) as error:
                if isinstance(error, DeliveryError):
                    self._distrust(channel)
                verdict = self._verdict(routing_key, error)
                if verdict is not None:
                    raise verdict from (None if verdict is error else error)
            else:
                if isinstance(confirmed, Basic.Ack):
                    return
                raise self._unroutable(routing_key, "no queue is bound for it")
            # The line is lost: again on the next one, until the caller's deadline.
            await asyncio.sleep(_AFTER_LOSS_SECONDS)

    async def _next_channel(self) -> "Channel":
        """Return the channel that follows one that is closed; all who wait for it have the same one, or its failure."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open(), name=f"amqp exchange {self._exchange}")
            self._opening.add_done_callback(self._opened)
        return await asyncio.shield(self._opening)

    async def _open(self) -> "Channel":
        """Open a channel, and see that the exchange is there before any number of messages is on its way.

        The broker closes a channel that publishes to a missing one; should the driver have written more messages to it
        by then, the broker ends the whole connection.
        """
        channel = await self._connection.open_channel(confirmed=True)
        if self._exchange:
            with own_cancellations():
                await channel.exchange_declare(self._exchange, passive=True, timeout=_CHECK_SECONDS)
        return cast("Channel", channel)  # the driver's abstract class lacks `wait`

    def _opened(self, opening: "asyncio.Task[Channel]") -> None:
        self._opening = None
        if not opening.cancelled() and opening.exception() is None:
            self._channel = opening.result()
            self._leave_doubted()

    def _leave_doubted(self) -> None:
        doubted, self._doubted = self._doubted, None
        if doubted is not None and doubted is not self._channel:  # somebody's own channel is the only one there is
            leaving = asyncio.create_task(_close_when_answered(doubted), name=f"amqp exchange {self._exchange} leaving")
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    def _distrust(self, channel: "Channel | None") -> None:
        """Publish on another channel from now on, after a message was refused.

        When the leader of a quorum queue dies with its node, a channel on another node may refuse everything for good
        (seen with RabbitMQ 3.10); a new one works. A full queue refuses too, so this is not done for each message.
        """
        now = asyncio.get_running_loop().time()
        if channel is not None and channel is self._channel and now - self._doubted_at >= _BETWEEN_DOUBTS_SECONDS:
            self._doubted_at = now
            self._channel, self._doubted = None, channel

    async def _other_ended(self, message_id: str) -> None:
        """Wait until a message with the same id is not on its way any more.

        A message that no queue takes comes back with nothing but its id: of two with one id, the driver would take one
        for the other.
        """
        waiting = self._under_way[message_id]
        if waiting is None:
            waiting = self._under_way[message_id] = asyncio.get_running_loop().create_future()
        await asyncio.shield(waiting)

    async def publish_within(self, seconds: float, routing_key: str, body: bytes, properties: Basic.Properties) -> None:
        """Do as `publish` does, with a deadline.

        Raises:
            BrokerUnavailableError: The message was not confirmed in time; it may have arrived all the same.
            AiopikaPluginBaseError: See `publish`.
        """
        try:
            async with asyncio.timeout(seconds):
                await self.publish(routing_key, body, properties)
        except TimeoutError as error:
            raise self.deadline_passed(seconds) from error

    async def publish_told(
        self,
        seconds: float,
        routing_key: str,
        body: bytes,
        properties: Basic.Properties,
        trace: Mapping[str, Any] | None = None,
    ) -> None:
        """Do as `publish_within` does, and tell of it.

        Args:
            seconds: How long it may take.
            routing_key: What it is routed by.
            body: Its content.
            properties: With a `message_id`, and with headers, which say then where the message comes from.
            trace: What they say instead, where the message was made before, elsewhere.

        Raises:
            AiopikaPluginBaseError: See `publish_within`.
        """
        if not self.spans.active:
            if trace and properties.headers is not None:
                properties.headers.update(trace)
            await self.publish_within(seconds, routing_key, body, properties)
            return
        with self.spans.publishing(routing_key, len(body), properties, trace):
            await self.publish_within(seconds, routing_key, body, properties)

    def deadline_passed(self, seconds: float) -> BrokerUnavailableError:
        """Make the error of a message that was not confirmed in time.

        Args:
            seconds: How long was waited.
        """
        because = f" ({self._connection.last_error})" if self._connection.last_error else ""
        return BrokerUnavailableError(
            f"the broker did not confirm a message of exchange {self._exchange!r} within {seconds:g} s{because}: it "
            f"may have arrived all the same; publish it again with the same message_id",
            exchange=self._exchange,
        )

    def _unroutable(self, routing_key: str, why: str) -> UnroutableMessageError:
        return UnroutableMessageError(
            f"no queue takes a message of exchange {self._exchange!r} with routing key {routing_key!r}: {why}; bind a "
            f"queue before publishing",
            exchange=self._exchange,
            routing_key=routing_key,
        )

    def _refused(self, routing_key: str) -> MessageRefusedError:
        return MessageRefusedError(
            f"the broker cannot keep a message of exchange {self._exchange!r} now: a queue is full, or in trouble; "
            f"see to its consumers, then publish it again",
            exchange=self._exchange,
            routing_key=routing_key,
        )

    def _verdict(self, routing_key: str, error: Exception) -> AiopikaPluginBaseError | None:
        """Say what the broker has against a message; None when it was only lost."""
        if isinstance(error, DeliveryError):
            return self._refused(routing_key)
        if isinstance(error, BrokerUnavailableError) and self._connection.is_closed:
            return error
        if not isinstance(error, ChannelClosed) or not any(error.args):
            return None  # every channel ends with its line, without a reason of its own
        if isinstance(error, ChannelNotFoundEntity):
            return self._unroutable(routing_key, "there is no such exchange")
        said = " ".join(str(part) for part in error.args)
        return AiopikaPluginBaseError(
            f"the broker does not allow publishing to exchange {self._exchange!r}: {said}",
            exchange=self._exchange,
            routing_key=routing_key,
        )


async def _close_when_answered(channel: "Channel") -> None:
    """Close a channel when nothing on it waits for its confirmation any more."""
    if unanswered := list(channel.confirmations.values()):
        await asyncio.wait(unanswered, timeout=_LAST_ANSWERS_SECONDS)
    if not channel.is_closed:
        with suppress(AMQPError, OSError, RuntimeError), own_cancellations():
            await channel.close()
