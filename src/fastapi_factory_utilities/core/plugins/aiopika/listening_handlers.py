"""What a listener's definition says, checked when it is made."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import FastAPI

from fastapi_factory_utilities.core.plugins.aiopika.errors import MessageDefinitionError
from fastapi_factory_utilities.core.plugins.aiopika.message import GenericMessage
from fastapi_factory_utilities.core.plugins.aiopika.topology import Queue
from fastapi_factory_utilities.core.plugins.injection import Injected

__all__ = ["checked_message_class", "delivery_limit_of", "handler_of"]

_DEFAULT_DELIVERY_LIMIT: Final = 20  # of a quorum queue since RabbitMQ 4

type Handler = Callable[..., Awaitable[object]]


def checked_message_class(given: object, listener: str) -> type[GenericMessage[Any]]:
    """Return the class of messages that a listener's definition names.

    Args:
        given: What it says.
        listener: What to call it.

    Raises:
        MessageDefinitionError: That is no class of messages.
    """
    if not (isinstance(given, type) and issubclass(given, GenericMessage)):
        raise MessageDefinitionError(
            f"{listener} does not say which messages it handles: write AbstractListener[BookMessage], or annotate the "
            f"function's first parameter, as in `message: BookMessage`"
        )
    return given


def handler_of(function: Handler) -> Callable[[FastAPI], Handler]:
    """Return what makes the handler of an application: a function that takes the message alone.

    Args:
        function: What was written: it takes the message, and dependencies.

    Raises:
        MessageDefinitionError: It asks for something that nobody gives it.
        PluginError: A dependency needs something that only a request has.
    """
    injected = Injected(function)
    asked = injected.signature.parameters.values()
    left = [
        given.name
        for given in asked
        if given.default is given.empty and given.kind not in (given.VAR_POSITIONAL, given.VAR_KEYWORD)
    ]
    if len(left) != 1:
        raise MessageDefinitionError(
            f"{getattr(function, '__qualname__', function)} must take the message, and beside it only what can be "
            f"filled in, as in `books: Annotated[Books, Depends(books)]`: it takes {', '.join(left) or 'nothing'}"
        )
    if len(asked) == len(inspect.signature(function).parameters):
        return lambda _: function
    return lambda app: lambda message: injected(app, message)


def delivery_limit_of(queue: Queue) -> int | None:
    """Return after how many returns the broker drops a message of a queue; None where it never does."""
    arguments = queue.all_arguments()
    if arguments.get("x-queue-type") != "quorum":
        return None
    limit = arguments.get("x-delivery-limit", _DEFAULT_DELIVERY_LIMIT)
    return limit if isinstance(limit, int) and limit >= 0 else None
