"""The connection to the broker: opened in the background, kept up by us, one host after another."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Self

from fastapi_factory_utilities.core.plugins.aiopika import required  # noqa: F401 - tells how to install what follows

# isort: split
from pamqp.commands import Basic

from fastapi_factory_utilities.core.plugins.aiopika.driver_calls import own_cancellations
from fastapi_factory_utilities.core.plugins.aiopika.errors import BrokerUnavailableError, TopologyError
from fastapi_factory_utilities.core.plugins.aiopika.keeping import Keeping
from fastapi_factory_utilities.core.plugins.aiopika.outlet import Outlet
from fastapi_factory_utilities.core.plugins.aiopika.question import Question
from fastapi_factory_utilities.core.telemetry import NO_TELEMETRY, Telemetry

if TYPE_CHECKING:
    from aio_pika.abc import AbstractChannel
    from aiormq.abc import AbstractChannel as UnderlayChannel

    from fastapi_factory_utilities.core.plugins.aiopika.config import AiopikaConfig
    from fastapi_factory_utilities.core.plugins.aiopika.line import Line
    from fastapi_factory_utilities.core.plugins.aiopika.topology import Exchange, Queue

__all__ = ["BrokerConnection"]

_PATIENCE_SECONDS: Final = 4.0  # less than a publish may take, so that it can be sent again
_CHANNEL_SECONDS: Final = 5.0


class BrokerConnection:
    """A connection that comes back by itself; what `depends_aiopika_robust_connection` gives.

    ::

        async with connection.channel() as channel:  # aio-pika's own, for whatever aio-pika can do
            queue = await channel.get_queue("books.index")

    A channel ends with its line and does not come back: hold one for as long as you use it, and get another then.
    Publishers and listeners do that by themselves.

    Args:
        config: The section `aiopika`.
        name: What the broker calls the connection.
        prepare: Called with this connection whenever it is made, before `ready()` returns.
        on_ready: Called whenever it is ready.
        on_lost: Told why, whenever it is lost.
        problem_with: What `problem_with` asks.
        telemetry: Where messages are told of.

    Attributes:
        telemetry: The same, for publishers and listeners.
    """

    def __init__(
        self,
        config: "AiopikaConfig",
        *,
        name: str,
        prepare: "Callable[[BrokerConnection], Awaitable[None]] | None" = None,
        on_ready: Callable[[], None] | None = None,
        on_lost: Callable[[str], None] | None = None,
        problem_with: "Callable[[Exchange | Queue], TopologyError | None] | None" = None,
        telemetry: Telemetry = NO_TELEMETRY,
    ) -> None:
        self.telemetry = telemetry
        self._config = config
        self._name = name
        self._prepare = prepare
        self._problem_with = problem_with
        self._keeping = Keeping(
            config,
            name,
            prepare=self._prepare_all,
            on_ready=on_ready or (lambda: None),
            on_lost=on_lost or (lambda _: None),
        )
        self._closed = False
        self._outlets: dict[str, Outlet] = {}
        self._question: Question | None = None

    def __repr__(self) -> str:
        state = "closed" if self._closed else "connected" if self.is_connected else "not connected"
        return f"<BrokerConnection {self._name!r}, {state}>"

    # --- what it says about itself ---

    @property
    def is_connected(self) -> bool:
        """Whether there is a line to the broker now."""
        return self._keeping.line is not None

    @property
    def is_ready(self) -> bool:
        """Whether there is one and the topology is declared, as far as that is possible."""
        return self._keeping.ready.is_set() and not self._closed

    @property
    def is_closed(self) -> bool:
        """Whether it is over: the plugin has stopped."""
        return self._closed

    @property
    def last_error(self) -> str | None:
        """Why there is no line; None while there is one."""
        return self._keeping.last_error

    def problem_with(self, item: "Exchange | Queue") -> TopologyError | None:
        """Return why an exchange or queue of the plugin's could not be declared; None when it is as it should be."""
        return self._problem_with(item) if self._problem_with else None

    async def is_blocked(self) -> bool:
        """Whether the broker takes no messages from this connection, for want of memory or disk."""
        line = self._keeping.line
        return line is not None and await line.is_blocked()

    # --- what it is for ---

    async def ready(self) -> None:
        """Wait until there is a line and the topology is declared, for as long as that takes.

        Raises:
            BrokerUnavailableError: It is over: the plugin has stopped.
        """
        await self._keeping.ready.wait()
        if self._closed:
            raise BrokerUnavailableError("the connection to the broker is closed: the application has stopped")

    def channel(
        self,
        channel_number: int | None = None,
        publisher_confirms: bool = True,  # noqa: FBT001, FBT002 - aio-pika's signature
        on_return_raises: bool = False,  # noqa: FBT001, FBT002 - aio-pika's signature
    ) -> "AbstractChannel":
        """Return a channel of the present line, to be opened with `async with` or `await`.

        Raises:
            BrokerUnavailableError: There is no line now.
        """
        return self._present_line().channel(
            channel_number=channel_number, publisher_confirms=publisher_confirms, on_return_raises=on_return_raises
        )

    async def open_channel(self, *, confirmed: bool) -> "UnderlayChannel":
        """Wait for the connection to be ready, and open a channel of aiormq, the driver's lower half.

        Raises:
            AMQPError: The line was lost again.
            BrokerUnavailableError: Likewise.
            TimeoutError: The broker does not answer.
        """
        await self.ready()
        with own_cancellations():
            return await self._present_line().underlay.channel(
                publisher_confirms=confirmed, on_return_raises=False, timeout=_CHANNEL_SECONDS
            )

    async def publish(
        self,
        exchange: str,
        routing_key: str,
        body: bytes,
        properties: Basic.Properties,
        *,
        timeout_seconds: float | None = None,
        trace: Mapping[str, Any] | None = None,
    ) -> None:
        """Publish a message, persistent or not as its properties say; return when the broker has confirmed it.

        Waits for a connection, and sends it again when its confirmation was lost with the line, with the same
        `message_id`: it may arrive twice, never not at all without an error.

        Args:
            exchange: The exchange's name; empty is the default exchange.
            routing_key: What it is routed by.
            body: Its content.
            properties: AMQP's; must have a `message_id`.
            timeout_seconds: How long it may take in all; by default the section's `publish_timeout_seconds`.
            trace: What the headers say of where the message comes from, where that is not here and now.

        Raises:
            UnroutableMessageError: No queue takes it, or there is no such exchange.
            MessageRefusedError: The broker cannot keep it now.
            BrokerUnavailableError: It was not confirmed in time.
            AiopikaPluginBaseError: The broker does not allow it.
        """
        seconds = self._config.publish_timeout_seconds if timeout_seconds is None else timeout_seconds
        if properties.headers is None:
            properties.headers = {}
        await self.outlet(exchange).publish_told(seconds, routing_key, body, properties, trace)

    def outlet(self, exchange: str) -> Outlet:
        """Return the way out to an exchange; without a deadline of its own.

        Raises:
            BrokerUnavailableError: The connection is closed for good.
        """
        if self._closed:
            raise BrokerUnavailableError("the connection to the broker is closed: the application has stopped")
        outlet = self._outlets.get(exchange)
        if outlet is None:
            outlet = self._outlets[exchange] = Outlet(self, exchange, self._config.max_unconfirmed)
        return outlet

    async def ask(self) -> None:
        """Ask the broker something that it must answer itself; cut a line that gave no answer for too long.

        Raises:
            BrokerUnavailableError: There is no line.
            AMQPError: The line was lost.
        """
        await self._keeping.tried.wait()
        line = self._present_line()
        if await line.is_blocked():
            return  # it reads nothing, and answers nothing; its alarm is told elsewhere
        if self._question is None or self._question.line is not line:
            self._forget_question()
            self._question = Question(line, self._patience())
        await self._question.ask()

    # --- its life ---

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Keep the connection up for as long as the body lasts; the first attempt begins at once."""
        keeping = asyncio.create_task(self._keeping.run(), name=f"amqp {self._name}")
        try:
            yield self
        finally:
            self._closed = True
            self._forget_question()
            keeping.cancel()
            await asyncio.wait({keeping})
            self._keeping.ready.set()  # whoever waits for it is told that it is over
            if not keeping.cancelled() and (error := keeping.exception()):
                raise error

    async def _prepare_all(self) -> None:
        if self._prepare is not None:
            await self._prepare(self)

    def _forget_question(self) -> None:
        if self._question is not None:
            self._question.close()
            self._question = None

    def _present_line(self) -> "Line":
        line = self._keeping.line
        if line is None or line.transport is None:
            raise self._away()
        return line

    def _away(self) -> BrokerUnavailableError:
        return BrokerUnavailableError(f"there is no connection to the broker: {self.last_error or 'just lost'}")

    def _patience(self) -> float:
        """Seconds without any answer after which a line is given up; by then health says so anyway."""
        check = self._config.health_check
        return max(_PATIENCE_SECONDS, check.failure_threshold * (check.timeout_seconds + check.interval_seconds))
