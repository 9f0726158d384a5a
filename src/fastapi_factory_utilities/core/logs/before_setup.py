"""What becomes of an event as long as nobody called `configure_logging`."""

import logging
from typing import Any, Final

from fastapi_factory_utilities.core.logs.console import console_line
from fastapi_factory_utilities.core.logs.output import STDERR
from fastapi_factory_utilities.core.logs.pipeline import Pipeline
from fastapi_factory_utilities.core.logs.structlog_bridge import foreign_logger

__all__ = ["emit_before_setup"]

_last_resort: Final = Pipeline(console_line, STDERR)


def emit_before_setup(level: str, name: str, event: object, entry: dict[str, Any]) -> None:
    """Do what structlog was told to do, if somebody told it; else what the standard library does.

    That is: warnings and worse go to standard error.
    """
    foreign = foreign_logger(name)
    if foreign is not None:
        getattr(foreign, level, foreign.info)(event, **entry)
    elif logging.getLevelNamesMapping().get(level.upper(), logging.CRITICAL) >= logging.WARNING:
        _last_resort.emit(level, name, event, entry)
