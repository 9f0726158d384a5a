"""The base of what consumes a queue."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Final, cast

from fastapi import FastAPI

from fastapi_factory_utilities.core.generics import type_arguments
from fastapi_factory_utilities.core.plugins.aiopika.consuming import Consuming
from fastapi_factory_utilities.core.plugins.aiopika.consuming_loop import ConsumingLoop
from fastapi_factory_utilities.core.plugins.aiopika.handling import Handling
from fastapi_factory_utilities.core.plugins.aiopika.listening_contract import ListeningContext
from fastapi_factory_utilities.core.plugins.aiopika.listening_handlers import (
    checked_message_class,
    delivery_limit_of,
    handler_of,
)
from fastapi_factory_utilities.core.plugins.aiopika.message import GenericMessage
from fastapi_factory_utilities.core.plugins.aiopika.resource import Resource
from fastapi_factory_utilities.core.plugins.aiopika.retry import RetryPolicy
from fastapi_factory_utilities.core.plugins.aiopika.retry_queues import SideQueues
from fastapi_factory_utilities.core.plugins.aiopika.retry_shelves import BrokerShelves
from fastapi_factory_utilities.core.plugins.aiopika.spans import telemetry_of
from fastapi_factory_utilities.core.plugins.aiopika.topology import Exchange, Queue
from fastapi_factory_utilities.core.plugins.inbox import Inbox
from fastapi_factory_utilities.core.plugins.provided import Provided
from fastapi_factory_utilities.core.plugins.work import Work

__all__ = ["AbstractListener"]

_PREFETCH: Final = 16


class AbstractListener[MessageT: GenericMessage[Any]](Resource, ABC):
    """Handles the messages of a queue, beside any number of others that do the same.

    ::

        class Indexer(AbstractListener[BookMessage]):
            async def on_message(self, message: BookMessage, books: Books) -> None:
                await books.index(message.data)

        AiopikaPlugin(listeners=[Indexer(Queue("books.index", BOOKS, "book.*"))])

    A message whose handler returns is acknowledged. One whose handler raises is tried again after a while, and parked
    in `<queue>.dead` when no attempt is left; so is, at once, one that is not what the handler expects. `Retry` and
    `Reject` say it otherwise. Messages may come twice, after a crash for example: see `inbox`.

    Args:
        queue: What it consumes.
        name: What it is called in logs; by default its class and the queue.
        prefetch: Instead of the class's.
        concurrency: Likewise.
        retry: Likewise.
        inbox: Likewise.

    Attributes:
        prefetch: How many messages it holds at once; by default the section's `prefetch_count`.
        concurrency: How many of these it handles at once; by default all. With 1, they are handled in their order,
            as long as none fails and nobody else consumes the queue.
        retry: When a message that failed is tried again.
        inbox: What remembers the messages that were handled, so that one that comes twice is handled once; or where
            it is provided, such as `depends_inbox`.

    Raises:
        MessageDefinitionError: The class does not say which messages it handles, or its handler asks for something
            that nobody gives it.
    """

    prefetch: ClassVar[int | None] = None
    concurrency: ClassVar[int | None] = None
    retry: ClassVar[RetryPolicy] = RetryPolicy()
    inbox: ClassVar[Inbox | Provided[Any] | None] = None

    def __init__(
        self,
        queue: Queue,
        name: str | None = None,
        *,
        prefetch: int | None = None,
        concurrency: int | None = None,
        retry: RetryPolicy | None = None,
        inbox: Inbox | Provided[Any] | None = None,
    ) -> None:
        self._queue = queue
        self._name = name or f"{type(self).__name__}({queue.name})"
        self._prefetch = prefetch or self.prefetch
        self._concurrency = concurrency or self.concurrency
        self._policy = retry or self.retry
        self._inbox = inbox if inbox is not None else self.inbox
        self._side_queues = SideQueues(queue, self._policy)
        self._message_class = self._find_message_class()
        self._handler = handler_of(self._function())
        self._consuming: Consuming | None = None
        self._loop: asyncio.Task[None] | None = None

    @abstractmethod
    async def on_message(
        self,
        message: MessageT,
        *dependencies: Any,  # noqa: ANN401 - so that a handler may add parameters of its own
        **more: Any,  # noqa: ANN401 - likewise
    ) -> None:
        """Handle one message.

        Args:
            message: The message; `message.attempt` and `message.redelivered` tell its past.
            *dependencies: Write as many parameters as you like, annotated with FastAPI dependencies: they are filled
                in as a route's are, anew for each message.
            **more: Likewise.
        """

    @property
    def name(self) -> str:
        """What it is called in logs."""
        return self._name

    @property
    def queue(self) -> Queue:
        """What it consumes."""
        return self._queue

    # --- with the plugin ---

    def topology(self) -> Sequence[Exchange | Queue]:
        """Return its queue, and those for retries and dead letters."""
        return [self._queue, *self._side_queues.lasting]

    async def start(self, context: ListeningContext) -> None:
        """Begin to consume in the background; see `Listening`."""
        self._begin(
            context.connection,
            publishing=context.publishing,
            app=context.app,
            prefetch=self._prefetch or context.config.prefetch_count,
            work=context.work,
        )

    async def pause(self) -> None:
        """Take nothing new; what has not begun is given back at once, what has goes on."""
        if self._consuming is not None:
            await self._consuming.pause()

    async def stop(self) -> None:
        """Take nothing new, and wait for what is in flight; when cancelled, give it back."""
        consuming, loop = self._consuming, self._loop
        if consuming is None or loop is None:
            return
        try:
            await consuming.pause()
            loop.cancel()
            await asyncio.wait({loop})
            await consuming.finished()
        except asyncio.CancelledError:
            loop.cancel()
            await consuming.give_back()
            raise
        finally:
            self._consuming = self._loop = None
        await consuming.close()

    # --- by hand ---

    async def setup(self) -> None:
        """Declare its queues; for use without the plugin, after `set_robust_connection`.

        Raises:
            TopologyError: One of them exists and is another.
            BrokerUnavailableError: The broker does not answer.
            AiopikaPluginBaseError: It was not given a connection.
        """
        for item in self.topology():
            if self._connection is not None:
                item.set_robust_connection(self._connection)
            await item.setup()

    async def listen(self) -> None:
        """Begin to consume in the background; for use without the plugin, after `setup`.

        Raises:
            AiopikaPluginBaseError: It was not given a connection.
        """
        given = self._connection
        if given is None:
            raise self._no_connection(self._name)
        self._begin(given, publishing=given, app=FastAPI(), prefetch=self._prefetch or _PREFETCH, work=Work())

    async def close(self) -> None:
        """Stop; see `stop`."""
        await self.stop()

    # --- inside ---

    def _begin(
        self,
        connection: Any,  # noqa: ANN401 - the plugin's, or one of aio-pika
        *,
        publishing: Any,  # noqa: ANN401 - likewise
        app: FastAPI,
        prefetch: int,
        work: Work,
    ) -> None:
        if self._loop is not None:
            return
        handling = Handling(
            cast("Callable[[Any], MessageT]", self._message_class.from_delivery),
            self._handler(app),
            queue=self._queue.name,
            shelves=BrokerShelves(publishing, self._side_queues),
            policy=self._policy,
            find_inbox=self._inbox_finder(app),
            delivery_limit=delivery_limit_of(self._queue),
            telemetry=telemetry_of(connection),
        )
        self._consuming = Consuming(
            handling,
            queue=self._queue.name,
            prefetch=prefetch,
            concurrency=self._concurrency or prefetch,
            work=work,
        )
        loop = ConsumingLoop(self._consuming, connection, self.topology(), self._name)
        self._loop = asyncio.create_task(loop.run(), name=f"listener {self._name}")

    def _inbox_finder(self, app: FastAPI) -> Callable[[], Inbox] | None:
        inbox = self._inbox
        if inbox is None:
            return None
        if isinstance(inbox, Provided):
            return partial(inbox.of, app)
        return lambda: inbox

    def _function(self) -> Callable[..., Awaitable[object]]:
        return self.on_message

    def _find_message_class(self) -> type[MessageT]:
        (argument,) = type_arguments(type(self), AbstractListener)
        return cast("type[MessageT]", checked_message_class(argument, type(self).__name__))
