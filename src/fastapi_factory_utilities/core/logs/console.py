"""Lines for a person at a terminal: when, how bad, what, with which facts, who says so."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi_factory_utilities.core.logs.clock import local_time
from fastapi_factory_utilities.core.logs.encoding import encode, tame
from fastapi_factory_utilities.core.logs.values import Plain

__all__ = ["coloured_console_line", "console_line"]

_EVENT_WIDTH: Final = 32
_FIRST_LINES, _LAST_LINES = 70, 29  # below the event's own line, which makes a hundred
_FIRST_LINES_OF_MESSAGE, _LAST_LINES_OF_MESSAGE = 4, 8

_RESET: Final = "\x1b[0m"
_DIM: Final = "\x1b[2m"
_BOLD: Final = "\x1b[1m"
_CYAN: Final = "\x1b[36m"
_RED: Final = "\x1b[31m"
_LEVELS: Final = {
    "debug": _DIM,
    "info": "\x1b[32m",
    "warning": "\x1b[33m",
    "error": _RED,
    "critical": "\x1b[1;37;41m",
}

_SIMPLE: Final = re.compile(r"[^\s\"'=\\{\[][^\s\"'=\\]*")


def console_line(created: float, level: str, name: str, event: str, entry: Mapping[str, Plain]) -> tuple[str, str]:
    """Render an event as text; what has several lines, such as an exception, follows indented.

    Args:
        created: When, in seconds of the epoch; shown as the time of day here.
        level: Its level's name in lower case.
        name: The logger's name.
        event: What happened.
        entry: Its keys and plain values.

    Returns:
        The line in two parts: what cannot hold a secret, and what can.

    Raises:
        ValueError: A number is not one in JSON.
    """
    first, *more = event.splitlines() or [""]
    facts = "".join(f"  {_word(key)}={_value(value)}" for key, value in entry.items() if not _is_exception(key, value))
    body = f"{tame(first):<{_EVENT_WIDTH}}{facts}  ({tame(name)})"
    return f"{local_time(created)} {level.upper():<8} ", "\n".join([body, *_below(more, entry)])


def coloured_console_line(
    created: float, level: str, name: str, event: str, entry: Mapping[str, Plain]
) -> tuple[str, str]:
    """Render an event as `console_line` does, in colours (ECMA-48), none of which can come out of the event."""
    first, *more = event.splitlines() or [""]
    facts = "".join(
        f"  {_CYAN}{_word(key)}{_RESET}={_value(value)}"
        for key, value in entry.items()
        if not _is_exception(key, value)
    )
    head = f"{_DIM}{local_time(created)}{_RESET} {_LEVELS.get(level, '')}{level.upper():<8}{_RESET} "
    body = f"{_BOLD}{tame(first):<{_EVENT_WIDTH}}{_RESET}{facts}  {_DIM}({tame(name)}){_RESET}"
    return head, "\n".join([body, *(_shaded(line) for line in _below(more, entry))])


def _word(text: str) -> str:
    """Write a text as it is where nothing in it could be misread, else quoted as JSON."""
    return text if text.isprintable() and _SIMPLE.fullmatch(text) else tame(encode(text))


def _value(value: Plain) -> str:
    return _word(value) if isinstance(value, str) else tame(encode(value))


def _is_exception(key: str, value: Plain) -> bool:
    return key == "exception" and isinstance(value, dict)


def _below(more: list[str], entry: Mapping[str, Plain]) -> list[str]:
    """Write all that follows the first line; each line begins with blanks, so none can pass for an event."""
    lines = _gutter(more, "    ")
    described = entry.get("exception")
    if isinstance(described, dict):
        lines += _exception_lines(described, "    ")
    return _excerpt(lines, _FIRST_LINES, _LAST_LINES, "    ")


def _exception_lines(described: Mapping[str, Any], indent: str, title: str = "") -> Iterator[str]:
    first, *more = str(described["message"]).splitlines() or [""]
    yield f"{indent}{title}{tame(described['type'])}{': ' if first else ''}{tame(first)}"
    yield from _gutter(more, f"{indent}  ")
    for note in described.get("notes", ()):
        yield from _gutter(note.splitlines(), f"{indent}  ")
    if described.get("fields"):
        yield f"{indent}  {tame(encode(described['fields']))}"
    yield from (f"{indent}  {tame(frame)}" for frame in described["frames"])
    for number, member in enumerate(described.get("members", ()), 1):
        yield from _exception_lines(member, f"{indent}  ", f"{number}. ")
    if described.get("omitted_members"):
        yield f"{indent}  ... {described['omitted_members']} more in the group"
    for cause in described.get("causes", ()):
        yield from _exception_lines(cause, indent, "because of " if cause["relation"] == "cause" else "while handling ")
    if described.get("omitted_causes"):
        yield f"{indent}... {described['omitted_causes']} causes left out"


def _gutter(lines: list[str], indent: str) -> list[str]:
    written = [f"{indent}| {tame(line)}" for line in lines]
    return _excerpt(written, _FIRST_LINES_OF_MESSAGE, _LAST_LINES_OF_MESSAGE, indent)


def _excerpt(lines: list[str], first: int, last: int, indent: str) -> list[str]:
    if len(lines) <= first + last:
        return lines
    return [*lines[:first], f"{indent}... {len(lines) - first - last + 1} lines left out", *lines[1 - last :]]


def _shaded(line: str) -> str:
    """Let the names of exceptions stand out from their frames."""
    return f"{_DIM}{line}{_RESET}" if line.startswith("      ") else f"{_RED}{line}{_RESET}"
