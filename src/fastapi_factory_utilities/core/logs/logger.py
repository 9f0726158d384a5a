"""The logger: a name, bound values, and a method for each level."""

import logging
from collections.abc import Mapping, MutableSequence
from typing import Any, Final, Self

from fastapi_factory_utilities.core.logs.levels import Scope, scope_of
from fastapi_factory_utilities.core.logs.state import STATE

__all__ = ["PROCESSORS", "Logger", "get_logger"]

PROCESSORS: Final[list[Any]] = []
"""Processors of structlog's kind that run before an event is rendered; none of ours are among them.

The list is also structlog's configuration, so that `structlog.testing.capture_logs` works on every logger.
"""

_DEBUG, _INFO, _WARNING, _ERROR, _CRITICAL = 10, 20, 30, 40, 50


class Logger:
    """Writes events: a short stable name, and keys with values.

    It has the methods of structlog's `FilteringBoundLogger` and is what `structlog.get_logger()` gives as well once
    logging is set up; it does not need structlog to be imported. Immutable: `bind` and its like give a new one.

    Args:
        logger: The name and its level.
        processors: What an event passes before it is rendered.
        context: Values that every event carries.
    """

    __slots__ = ("_context", "_logger", "_processors")

    def __init__(self, logger: Scope, processors: MutableSequence[Any], context: Mapping[str, Any]) -> None:
        self._logger = logger
        self._processors = processors
        self._context = context

    def __repr__(self) -> str:
        return f"<Logger {self._logger.name!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._logger, dict(self._context))

    # Binding

    def bind(self, **new_values: object) -> Self:
        """Give a logger that carries these values too."""
        return type(self)(self._logger, self._processors, {**self._context, **new_values})

    def unbind(self, *keys: str) -> Self:
        """Give a logger without these keys.

        Raises:
            KeyError: One of them is not bound.
        """
        context = dict(self._context)
        for key in keys:
            del context[key]
        return type(self)(self._logger, self._processors, context)

    def try_unbind(self, *keys: str) -> Self:
        """Give a logger without these keys, should they be bound."""
        kept = {key: value for key, value in self._context.items() if key not in keys}
        return type(self)(self._logger, self._processors, kept)

    def new(self, **new_values: object) -> Self:
        """Give a logger of this name that carries these values only."""
        return type(self)(self._logger, self._processors, new_values)

    # Asking

    def is_enabled_for(self, level: int) -> bool:
        """Say whether an event of this level would be written."""
        return level >= self._logger.level

    def get_effective_level(self) -> int:
        """Give the lowest level that is written."""
        return self._logger.level

    # Telling

    def debug(self, event: object = None, /, *args: object, **kw: object) -> None:
        """Write what helps to find a mistake."""
        if self._logger.level <= _DEBUG:
            self._emit("debug", event, args, kw)

    def info(self, event: object = None, /, *args: object, **kw: object) -> None:
        """Write what a person wants to know of a healthy service."""
        if self._logger.level <= _INFO:
            self._emit("info", event, args, kw)

    def warning(self, event: object = None, /, *args: object, **kw: object) -> None:
        """Write what somebody should look at."""
        if self._logger.level <= _WARNING:
            self._emit("warning", event, args, kw)

    def error(self, event: object = None, /, *args: object, **kw: object) -> None:
        """Write what went wrong."""
        if self._logger.level <= _ERROR:
            self._emit("error", event, args, kw)

    def critical(self, event: object = None, /, *args: object, **kw: object) -> None:
        """Write what ends the service."""
        if self._logger.level <= _CRITICAL:
            self._emit("critical", event, args, kw)

    def exception(self, event: object = None, /, *args: object, **kw: object) -> None:
        """Write an error together with the exception that is being handled."""
        if self._logger.level <= _ERROR:
            kw.setdefault("exc_info", True)
            self._emit("error", event, args, kw)

    def log(self, level: int, event: object = None, /, *args: object, **kw: object) -> None:
        """Write an event of a level that is only known at run time."""
        if self._logger.level <= level:
            self._emit(logging.getLevelName(level).lower(), event, args, kw)

    warn = warning
    fatal = critical
    msg = info

    # Writing a line takes microseconds: less than handing it to a thread would.

    async def adebug(self, event: object = None, /, *args: object, **kw: object) -> None:
        """Do as `debug` does."""
        self.debug(event, *args, **kw)

    async def ainfo(self, event: object = None, /, *args: object, **kw: object) -> None:
        """Do as `info` does."""
        self.info(event, *args, **kw)

    async def awarning(self, event: object = None, /, *args: object, **kw: object) -> None:
        """Do as `warning` does."""
        self.warning(event, *args, **kw)

    async def aerror(self, event: object = None, /, *args: object, **kw: object) -> None:
        """Do as `error` does."""
        self.error(event, *args, **kw)

    async def acritical(self, event: object = None, /, *args: object, **kw: object) -> None:
        """Do as `critical` does."""
        self.critical(event, *args, **kw)

    async def aexception(self, event: object = None, /, *args: object, **kw: object) -> None:
        """Do as `exception` does."""
        self.exception(event, *args, **kw)

    async def alog(self, level: int, event: object = None, /, *args: object, **kw: object) -> None:
        """Do as `log` does."""
        self.log(level, event, *args, **kw)

    awarn = awarning
    afatal = acritical
    amsg = ainfo

    def _emit(self, level: str, event: object, args: tuple[object, ...], entry: dict[str, Any]) -> None:
        if args:
            event = _filled_in(event, args)
        if self._context:
            entry = {**self._context, **entry}
        pipeline = STATE.pipeline
        if pipeline is None:
            from fastapi_factory_utilities.core.logs.before_setup import (  # noqa: PLC0415 - rarely needed
                emit_before_setup,
            )

            emit_before_setup(level, self._logger.name, event, entry)
        elif self._processors:
            from fastapi_factory_utilities.core.logs.structlog_bridge import (  # noqa: PLC0415 - rarely needed
                run_processors,
            )

            processed = run_processors(self._processors, self._logger, level, event, entry)
            if processed is not None:
                pipeline.emit(level, self._logger.name, *processed)
        else:
            pipeline.emit(level, self._logger.name, event, entry)


def get_logger(name: str = "", **initial_values: object) -> Logger:
    """Give the logger of a name, usually `__name__`.

    Args:
        name: What its level is looked up by, and what its lines carry as `logger`.
        **initial_values: Values that every event of this logger carries.
    """
    return Logger(scope_of(name), PROCESSORS, initial_values)


def _restored(scope: Scope, context: dict[str, Any]) -> Logger:
    return Logger(scope, PROCESSORS, context)


def _filled_in(event: Any, args: tuple[object, ...]) -> str:  # noqa: ANN401 - whatever takes `%`
    """Fill positional arguments in as the standard library does; a mistake there costs no line."""
    try:
        only = args[0]
        filled: str = event % (only if len(args) == 1 and isinstance(only, Mapping) and only else args)
    except Exception:  # noqa: BLE001 - wrong number or kind of arguments, or a broken __str__
        from fastapi_factory_utilities.core.logs.messages import text_of  # noqa: PLC0415 - rarely needed

        return " ".join(map(text_of, (event, *args)))
    return filled
