"""Taskiq's middlewares, which others bring: called where Taskiq itself would call them."""

import inspect
from typing import Any, Literal

from fastapi_factory_utilities.core.plugins.taskiq_plugins import required  # noqa: F401 - says how to install the rest

# isort: split
from taskiq import AsyncBroker, TaskiqMessage
from taskiq.abc.middleware import TaskiqMiddleware

from fastapi_factory_utilities.core.logs import get_logger

__all__ = ["changed_by_middlewares", "tell_middlewares"]

_log = get_logger(__name__)


async def changed_by_middlewares(
    broker: AsyncBroker, hook: Literal["pre_send", "pre_execute"], message: TaskiqMessage
) -> TaskiqMessage:
    """Let each see the message, and change it; what one raises stops the message."""
    for middleware in broker.middlewares:
        if _has(middleware, hook):
            changed = getattr(middleware, hook)(message)
            message = await changed if inspect.isawaitable(changed) else changed
    return message


async def tell_middlewares(
    broker: AsyncBroker,
    hook: Literal["post_send", "on_error", "post_execute", "post_save"],
    *facts: Any,  # noqa: ANN401 - each hook has its own
) -> None:
    """Tell each, in reverse; one that fails is told of, and changes nothing."""
    for middleware in reversed(broker.middlewares):
        if _has(middleware, hook):
            try:
                answer = getattr(middleware, hook)(*facts)
                if inspect.isawaitable(answer):
                    await answer
            except Exception as error:  # noqa: BLE001 - the task must be settled whatever somebody's middleware does
                _log.error("task middleware failed", middleware=type(middleware).__name__, hook=hook, exc_info=error)


def _has(middleware: TaskiqMiddleware, hook: str) -> bool:
    return getattr(type(middleware), hook) is not getattr(TaskiqMiddleware, hook)
