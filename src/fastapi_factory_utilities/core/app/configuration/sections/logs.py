"""What is logged: the sections `logging` and `logging_mode`."""

import logging
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from fastapi_factory_utilities.core.app.configuration.sections.rules import Section

__all__ = ["LoggerConfig", "LoggingModeEnum"]

_NAMES: Final = ("critical", "error", "warning", "info", "debug", "notset")


class LoggingModeEnum(StrEnum):
    """What log lines look like."""

    CONSOLE = "console"
    JSON = "json"


def _number_of(level: Any) -> Any:  # noqa: ANN401 - whatever a file or variable gives
    """Read a level's name, in any case, or its number."""
    if isinstance(level, str):
        name = level.strip()
        number = int(name) if name.isdecimal() and len(name) <= len("100") else _number_of_name(name)
        if number is not None:
            return number
    elif isinstance(level, int) and not isinstance(level, bool):
        return level
    expected = ", ".join(f"'{name}'" for name in _NAMES)
    raise PydanticCustomError("literal_error", "expected {expected}", {"expected": expected})


def _number_of_name(name: str) -> int | None:
    return logging.getLevelNamesMapping().get(name.upper())


_Level = Annotated[
    int,
    BeforeValidator(_number_of),
    WithJsonSchema({"anyOf": [{"type": "string", "enum": list(_NAMES)}, {"type": "integer"}]}),
]


class LoggerConfig(Section):
    """An entry of `logging`: who logs from which level on."""

    name: str = Field(description="A logger's name, and with it all names below; `root` or nothing is everybody.")
    level: _Level = Field(description="The lowest level that is logged: a name such as info, in any case, or a number.")
