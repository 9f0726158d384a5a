"""Nothing that somebody else wrote can pass for a line or a colour of ours."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from fastapi_factory_utilities.core.logs import configure_logging, get_logger
from fastapi_factory_utilities.core.logs.standard import RecordHandler

HOSTILE = {
    "json line": '\n{"level":"critical","event":"forged"}',
    "console line": "\r\n12:00:00.000 CRITICAL forged",
    "escape": "\x1b[31mred\x1b[0m",
    "c1 escape": "\x9b31mred",
    "c1 line": "\x85next line\x0bvertical\x0c",
    "unicode lines": "\u2028line\u2029paragraph",
    "right to left": "\u202egnp.exe",
    "surrogate": "half \ud800 of a pair",
    "controls": "nul \x00 bell \x07 delete \x7f back \x08",
    "quotes": '"},{"',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("place", ["value", "key", "event", "nested", "logger", "record", "exception"])
def test_json_stays_one_line_whatever_it_carries(text: str, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    _log(text, place)
    written = capsys.readouterr().out
    assert written.endswith("\n")
    (line,) = written.splitlines()
    assert all(character.isprintable() or character == "\x7f" for character in line)
    told = json.loads(line)
    assert told["level"] == "error"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("place", ["value", "key", "event", "nested", "logger", "record", "exception"])
def test_the_console_begins_no_line_that_is_not_an_event(
    text: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("console")
    _log(text, place)
    first, *others = capsys.readouterr().out.splitlines()
    assert first[:2].isdigit()
    assert all(line.startswith("    ") for line in others)
    assert all(line.isprintable() for line in [first, *others])


def _log(text: str, place: str) -> None:
    log = get_logger("x")
    error: dict[str, Any] = {"exc_info": ValueError(text)}
    record = logging.makeLogRecord({"name": "x", "levelname": "ERROR", "msg": "%s", "args": (text,), "more": text})
    ways: dict[str, Callable[[], object]] = {
        "value": lambda: log.error("e", value=text),
        "key": lambda: log.error("e", **{text: 1}),
        "event": lambda: log.error(text),
        "nested": lambda: log.error("e", value={"a": [text], text: 1}),
        "logger": lambda: get_logger(text).error("e"),
        "record": lambda: RecordHandler().handle(record),
        "exception": lambda: log.error("e", **error),
    }
    ways[place]()


def test_json_keeps_every_character_but_halves_of_pairs(lines: Any) -> None:
    configure_logging("json")
    for text in HOSTILE.values():
        get_logger("x").info("e", value=text)
    get_logger("x").info("e", value="déjà vu 書 🎉")
    told = [line["value"] for line in lines()]
    assert told == [*(text.replace("\ud800", "\ufffd") for text in HOSTILE.values()), "déjà vu 書 🎉"]
