"""Exceptions that nobody handled, outside of requests: told once, in the shape of all other lines."""

import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.logs.logger import get_logger

if TYPE_CHECKING:
    import asyncio

__all__ = ["install_exception_hooks", "install_loop_exception_handler", "remove_exception_hooks"]

_log = get_logger(__name__)

_before: tuple[Any, Any, Any] | None = None


def install_exception_hooks() -> None:
    """Log what ends the main thread, another thread, or is raised where nobody can catch it (`__del__`).

    The process still ends with Python's own exit status. A running event loop needs
    `install_loop_exception_handler` as well.
    """
    global _before  # noqa: PLW0603 - the hooks belong to the process
    if _before is None:
        _before = sys.excepthook, threading.excepthook, sys.unraisablehook
        sys.excepthook = _on_exception
        threading.excepthook = _on_thread_exception
        sys.unraisablehook = _on_unraisable


def remove_exception_hooks() -> None:
    """Put the hooks back that were there before."""
    global _before  # noqa: PLW0603 - the hooks belong to the process
    if _before is not None:
        sys.excepthook, threading.excepthook, sys.unraisablehook = _before
        _before = None


def install_loop_exception_handler(loop: "asyncio.AbstractEventLoop | None" = None) -> None:
    """Log what an event loop would else print: tasks that failed unseen, callbacks that raised.

    Args:
        loop: By default the running one.
    """
    import asyncio  # noqa: PLC0415 - not for those who only log

    (loop or asyncio.get_running_loop()).set_exception_handler(_on_loop_exception)


def _on_exception(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
    else:
        _log.critical("unhandled exception", exc_info=error)


def _on_thread_exception(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_type is not SystemExit:
        name = arguments.thread.name if arguments.thread else None
        _log.error("unhandled exception in a thread", thread=name, exc_info=arguments.exc_value)


def _on_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    _log.error("exception ignored", where=unraisable.object, reason=unraisable.err_msg, exc_info=unraisable.exc_value)


def _on_loop_exception(_: "asyncio.AbstractEventLoop", context: dict[str, Any]) -> None:
    task = context.get("task") or context.get("future")
    facts = {"task": getattr(task, "get_name", lambda: None)(), "reason": context.get("message")}
    _log.error(
        "unhandled exception in the event loop",
        exc_info=context.get("exception"),
        **{key: value for key, value in facts.items() if value is not None},
    )
