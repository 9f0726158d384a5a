"""Events that somebody looks at are written as if nobody did."""

import logging
from typing import Any

import pytest

from fastapi_factory_utilities.core.logs import configure_logging, get_logger
from fastapi_factory_utilities.core.logs.state import STATE
from fastapi_factory_utilities.core.logs.watching import watching_events

Seen = list[tuple[str, str, object, dict[str, Any]]]


def test_events_of_every_logger_are_seen_and_written_until_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    seen: Seen = []
    configure_logging("json")
    with watching_events(lambda _, *event: seen.append(event)):
        get_logger("ours").warning("shelf empty", shelf=3)
        logging.getLogger("theirs").warning("bell %s", "rang")
        get_logger("ours").debug("too quiet")
    get_logger("ours").warning("unseen")
    assert seen == [("warning", "ours", "shelf empty", {"shelf": 3}), ("warning", "theirs", "bell rang", {})]
    assert [line.split('"event":')[1][:6] for line in capsys.readouterr().out.splitlines()] == [
        '"shelf',
        '"bell ',
        '"unsee',
    ]


def test_a_watcher_that_fails_costs_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    with watching_events(lambda *_: 1 / 0):
        get_logger("ours").warning("shelf empty")
    assert "shelf empty" in capsys.readouterr().out


def test_a_watcher_is_no_part_of_the_stack_that_a_line_shows(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    with watching_events(lambda *_: None):
        get_logger("ours").warning("here", stack_info=True)
    assert "core/logs/watching.py" not in capsys.readouterr().out


def test_logging_that_was_set_up_anew_meanwhile_stays(capsys: pytest.CaptureFixture[str]) -> None:
    seen: Seen = []
    configure_logging("console")
    with watching_events(lambda _, *event: seen.append(event)):
        configure_logging("json")
        anew = STATE.pipeline
    assert STATE.pipeline is anew
    get_logger("ours").warning("shelf empty")
    assert '"event":"shelf empty"' in capsys.readouterr().out
    assert seen == []
