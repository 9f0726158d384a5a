"""A listener made of a function."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi_factory_utilities.core.plugins.aiopika.listener import AbstractListener
from fastapi_factory_utilities.core.plugins.aiopika.listening_handlers import checked_message_class
from fastapi_factory_utilities.core.plugins.aiopika.message import GenericMessage
from fastapi_factory_utilities.core.plugins.aiopika.retry import RetryPolicy
from fastapi_factory_utilities.core.plugins.aiopika.topology import Queue
from fastapi_factory_utilities.core.plugins.inbox import Inbox
from fastapi_factory_utilities.core.plugins.provided import Provided

__all__ = ["FunctionListener", "listen"]

type Handler = Callable[..., Awaitable[object]]


class FunctionListener(AbstractListener[GenericMessage[Any]]):
    """Handles the messages of a queue with a function; see `listen`.

    Args:
        function: The handler; the annotation of its first parameter says which messages it takes.
        queue: What it consumes.
        name: What it is called in logs; by default the function's name and the queue.
        **settings: As those of `AbstractListener`.

    Raises:
        MessageDefinitionError: The function does not say which messages it takes, or asks for something that nobody
            gives it.
    """

    def __init__(
        self,
        function: Handler,
        queue: Queue,
        name: str | None = None,
        **settings: Any,  # noqa: ANN401 - the base's own
    ) -> None:
        self._given = function
        super().__init__(queue, name or f"{getattr(function, '__name__', 'handler')}({queue.name})", **settings)

    async def on_message(self, message: GenericMessage[Any], *dependencies: Any, **more: Any) -> None:  # noqa: ANN401
        """Call the function."""
        await self._given(message, *dependencies, **more)

    async def __call__(self, *args: Any, **kwargs: Any) -> object:  # noqa: ANN401 - the function's own
        """Call the function, as tests of it do."""
        return await self._given(*args, **kwargs)

    def _function(self) -> Handler:
        return self._given

    def _find_message_class(self) -> type[GenericMessage[Any]]:
        parameters = inspect.signature(self._given, eval_str=True).parameters.values()
        found: object = next((given.annotation for given in parameters), None)
        return checked_message_class(found, getattr(self._given, "__qualname__", "a handler"))


def listen(
    queue: Queue,
    *,
    name: str | None = None,
    prefetch: int | None = None,
    concurrency: int | None = None,
    retry: RetryPolicy | None = None,
    inbox: Inbox | Provided[Any] | None = None,
) -> Callable[[Handler], FunctionListener]:
    """Make a listener of a function.

    ::

        @listen(Queue("books.index", BOOKS, "book.*"))
        async def index(message: BookMessage, books: Books) -> None:
            await books.index(message.data)

        AiopikaPlugin(listeners=[index])

    Args:
        queue: What it consumes.
        name: What it is called in logs; by default the function's name and the queue.
        prefetch: See `AbstractListener`.
        concurrency: See `AbstractListener`.
        retry: See `AbstractListener`.
        inbox: See `AbstractListener`.
    """

    def decorate(function: Handler) -> FunctionListener:
        return FunctionListener(
            function, queue, name, prefetch=prefetch, concurrency=concurrency, retry=retry, inbox=inbox
        )

    return decorate
