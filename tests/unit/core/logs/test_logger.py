import copy
import logging
import pickle
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from fastapi_factory_utilities.core.logs import Logger, configure_logging, get_logger, reset_logging

LEVELS = ["debug", "info", "warning", "error", "critical"]


def test_an_event_has_a_time_a_level_a_logger_a_name_and_its_values(lines: Any) -> None:
    configure_logging("json")
    get_logger("my.service").info("book created", title="Dune", pages=412, price=9.5, sold=False, author=None)
    (line,) = lines()
    assert list(line)[:4] == ["timestamp", "level", "logger", "event"]
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "my.service",
        "event": "book created",
        "title": "Dune",
        "pages": 412,
        "price": 9.5,
        "sold": False,
        "author": None,
    }


@pytest.mark.parametrize("method", [*LEVELS, "warn", "fatal", "msg", "exception"])
def test_every_method_of_structlogs_loggers_writes_one_line(method: str, lines: Any) -> None:
    configure_logging("json", {"root": "DEBUG"})
    getattr(get_logger("x"), method)("happened", a=1)
    (line,) = lines()
    same = {"warn": "warning", "fatal": "critical", "msg": "info", "exception": "error"}
    assert (line["event"], line["level"], line["a"]) == ("happened", same.get(method, method), 1)


@pytest.mark.parametrize("method", [f"a{level}" for level in [*LEVELS, "warn", "fatal", "msg", "exception"]])
async def test_every_method_has_its_async_twin(method: str, lines: Any) -> None:
    configure_logging("json", {"root": "DEBUG"})
    await getattr(get_logger("x"), method)("happened", a=1)
    (line,) = lines()
    assert line["event"] == "happened"


async def test_log_takes_its_level_at_run_time(lines: Any) -> None:
    configure_logging("json")
    log = get_logger("x")
    log.log(logging.DEBUG, "too low")
    log.log(logging.ERROR, "high enough")
    await log.alog(logging.WARNING, "this too")
    log.log(25, "between")
    assert [(line["event"], line["level"]) for line in lines()] == [
        ("high enough", "error"),
        ("this too", "warning"),
        ("between", "level 25"),
    ]


def test_the_methods_are_those_of_structlogs_filtering_logger() -> None:
    theirs = {name for name in dir(structlog.make_filtering_bound_logger(0)) if not name.startswith("_")}
    assert theirs <= set(dir(Logger))


def test_bound_values_come_with_every_event_and_binding_changes_nobody_else(lines: Any) -> None:
    configure_logging("json")
    log = get_logger("x", first=1)
    bound = log.bind(second=2)
    bound.info("a")
    bound.unbind("first").info("b")
    bound.try_unbind("first", "unknown").info("c")
    bound.new(third=3).info("d")
    log.info("e", first="mine")
    told = [{key: line[key] for key in ("first", "second", "third") if key in line} for line in lines()]
    assert told == [{"first": 1, "second": 2}, {"second": 2}, {"second": 2}, {"third": 3}, {"first": "mine"}]
    with pytest.raises(KeyError):
        log.unbind("unknown")


def test_positional_arguments_are_filled_in_and_a_mistake_there_costs_no_line(lines: Any) -> None:
    configure_logging("json")
    log = get_logger("x")
    log.info("%d of %s", 1, "two")
    log.info("%(a)s", {"a": "named"})
    log.info("%d books", "many", "too many")  # noqa: PLE1205 - the mistake
    assert [line["event"] for line in lines()] == ["1 of two", "named", "%d books many too many"]


def test_keys_that_every_line_has_are_renamed_and_never_replaced(lines: Any) -> None:
    configure_logging("json")
    values = dict.fromkeys(("timestamp", "level", "logger", "event", "exception"), "forged")
    get_logger("x").info("real", **values)
    (line,) = lines()
    assert (line["level"], line["logger"], line["event"]) == ("info", "x", "real")
    assert line["timestamp"] != "forged"
    assert "exception" not in line
    assert all(line[f"{key}_"] == "forged" for key in values)


def test_an_event_may_be_anything(lines: Any) -> None:
    configure_logging("json")
    get_logger("x").info(ValueError("as an event"))
    get_logger("x").info(None, a=1)
    assert [line["event"] for line in lines()] == ["as an event", "None"]


def test_a_logger_survives_pickling_and_copying(lines: Any) -> None:
    configure_logging("json", {"x": "ERROR"})
    log = get_logger("x", a=1)
    for twin in (pickle.loads(pickle.dumps(log)), copy.deepcopy(log), copy.copy(log)):  # noqa: S301 - our own bytes
        twin.info("suppressed")
        twin.error("written")
    assert [(line["event"], line["a"]) for line in lines()] == [("written", 1)] * 3


def test_before_any_setup_warnings_go_to_stderr_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.reset_defaults()
    log = get_logger("early")
    log.info("unheard")
    log.warning("heard", uri="mongodb://root:pa55word@db")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "unheard" not in captured.err
    assert "heard" in captured.err
    assert "pa55word" not in captured.err


def test_before_any_setup_somebody_elses_structlog_configuration_is_respected() -> None:
    events: list[Any] = []

    def keep(_: object, __: str, event: Any) -> Any:
        events.append(event)
        raise structlog.DropEvent

    structlog.configure(processors=[keep])
    try:
        get_logger("early", a=1).info("seen", b=2)
    finally:
        structlog.reset_defaults()
    assert events == [{"event": "seen", "a": 1, "b": 2}]


@pytest.mark.parametrize("configured", [True, False])
def test_structlogs_capture_logs_sees_our_events(configured: bool) -> None:
    if configured:
        configure_logging("json")
    try:
        with capture_logs() as captured:
            get_logger("x").warning("plugin stop failed", plugin="odm")
    finally:
        reset_logging()
        structlog.reset_defaults()
    assert captured == [{"event": "plugin stop failed", "log_level": "warning", "plugin": "odm"}]


def test_setting_up_twice_and_resetting_leaves_structlog_as_it_was() -> None:
    structlog.reset_defaults()
    configure_logging("json")
    configure_logging("json")
    reset_logging()
    assert not structlog.is_configured()
