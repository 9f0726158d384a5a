"""Setting logging up, once for the process."""

import logging
import os
from collections.abc import Iterable
from typing import Literal

from fastapi_factory_utilities.core.logs.console import coloured_console_line, console_line
from fastapi_factory_utilities.core.logs.context import clear_context_providers
from fastapi_factory_utilities.core.logs.hooks import remove_exception_hooks
from fastapi_factory_utilities.core.logs.json_lines import json_line
from fastapi_factory_utilities.core.logs.levels import apply_levels, scope_of
from fastapi_factory_utilities.core.logs.logger import PROCESSORS, Logger
from fastapi_factory_utilities.core.logs.output import STDOUT
from fastapi_factory_utilities.core.logs.pipeline import Pipeline, Render
from fastapi_factory_utilities.core.logs.rules import LevelRule, Levels, read_levels
from fastapi_factory_utilities.core.logs.standard import StandardLogging
from fastapi_factory_utilities.core.logs.state import STATE
from fastapi_factory_utilities.core.logs.structlog_bridge import connect, disconnect, name_of_caller

__all__ = ["LogMode", "configure_logging", "reset_logging"]

LogMode = Literal["console", "json"]

_standard: StandardLogging | None = None


def configure_logging(
    mode: LogMode = "console", levels: Levels | Iterable[LevelRule | tuple[str, str | int]] = ()
) -> None:
    """Write every log line of the process to standard output, in one shape; a second call replaces the first.

    This holds for this library's loggers, for `structlog.get_logger()` and for the standard library's, uvicorn's own
    and warnings included. Run uvicorn with `log_config=None` and `access_log=False`.

    Args:
        mode: `console` for a person at a terminal (coloured there, unless `NO_COLOR` is set), `json` for machines.
        levels: The lowest level that is written, for each logger name and all below it; `root` is `INFO` unless given.

    Raises:
        ValueError: The mode or a level is unknown.
    """
    global _standard  # noqa: PLW0603 - logging belongs to the process
    numbers = read_levels(levels, default=logging.INFO)
    render = _render(mode)
    if _standard is not None:
        _standard.undo()
    _standard = StandardLogging(numbers)
    STATE.pipeline = Pipeline(render, STDOUT)
    apply_levels(numbers)
    connect(
        processors=PROCESSORS,
        wrapper_class=Logger,
        logger_factory=lambda *names: scope_of(name_of_caller(*names)),
        context_class=dict,
        cache_logger_on_first_use=True,
    )


def reset_logging() -> None:
    """Put logging back as it was before `configure_logging`. Meant for tests."""
    global _standard  # noqa: PLW0603 - logging belongs to the process
    if _standard is not None:
        _standard.undo()
        _standard = None
    STATE.pipeline = None
    apply_levels({})
    PROCESSORS.clear()
    clear_context_providers()
    remove_exception_hooks()
    disconnect()


def _render(mode: str) -> Render:
    if mode == "json":
        return json_line
    if mode != "console":
        raise ValueError(f"logging mode {mode!r}: use 'console' or 'json'")
    return coloured_console_line if STDOUT.is_terminal and not os.environ.get("NO_COLOR") else console_line
