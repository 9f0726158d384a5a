import io
import logging
import sys
import warnings
from typing import Any

import pytest

from fastapi_factory_utilities.core.logs import configure_logging, reset_logging
from fastapi_factory_utilities.core.logs.standard import RecordHandler
from fastapi_factory_utilities.core.redaction import register_secrets


def test_records_have_the_same_shape_as_events(lines: Any) -> None:
    configure_logging("json")
    logging.getLogger("driver.pool").warning("connection %s lost", "c-1", extra={"attempt": 2})
    (line,) = lines()
    assert list(line)[:4] == ["timestamp", "level", "logger", "event"]
    assert line.pop("timestamp").endswith("Z")
    assert line == {"level": "warning", "logger": "driver.pool", "event": "connection c-1 lost", "attempt": 2}


def test_a_record_has_the_time_of_its_making(lines: Any) -> None:
    configure_logging("json")
    RecordHandler().handle(logging.makeLogRecord({"msg": "old", "created": 0.25, "levelname": "INFO", "name": "x"}))
    assert lines()[0]["timestamp"] == "1970-01-01T00:00:00.250Z"


def test_a_record_with_the_wrong_arguments_is_written_all_the_same(lines: Any, capsys: Any) -> None:
    configure_logging("json")
    # Not through a logger: pytest's own handler raises for such a record.
    RecordHandler().handle(logging.makeLogRecord({"msg": "%d books of %s", "args": ("many",), "levelname": "INFO"}))
    assert lines()[0]["event"] == "%d books of %s many"
    assert capsys.readouterr().err == ""


def test_arguments_extras_and_exceptions_of_records_are_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    register_secrets(["hunter2-canary"])
    for mode in ("console", "json"):
        configure_logging(mode)
        log = logging.getLogger("driver")
        log.info("connecting with %s and %r", "hunter2-canary", b"hunter2-canary")
        log.info("e", extra={"uri": "mongodb://u:hunter2-canary@db", "password": "other-canary"})
        try:
            raise ConnectionError("hunter2-canary")  # noqa: TRY301 - somewhere
        except ConnectionError:
            log.exception("failed")
    written = capsys.readouterr().out
    assert len([line for line in written.splitlines() if not line.startswith(" ")]) == 6
    assert "canary" not in written


def test_warnings_are_lines_too(lines: Any) -> None:
    configure_logging("json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = logging._showwarning  # type: ignore[attr-defined] # catch_warnings put pytest's aside
        warnings.warn("this is old", DeprecationWarning, stacklevel=1)
    (line,) = lines()
    assert (line["level"], line["logger"]) == ("warning", "py.warnings")
    assert line["event"].endswith("DeprecationWarning: this is old")
    assert "\n" not in line["event"]


def test_uvicorns_own_setup_is_replaced(lines: Any) -> None:
    logger = logging.getLogger("uvicorn")
    logger.addHandler(logging.StreamHandler(io.StringIO()))
    logger.propagate = False
    try:
        configure_logging("json")
        logging.getLogger("uvicorn.error").info("Started server process [%d]", 7, extra={"color_message": "\x1b[1m"})
        logging.getLogger("uvicorn.access").info("GET /")
        (line,) = lines()
        assert (line["logger"], line["event"]) == ("uvicorn.error", "Started server process [7]")
        assert "color_message" not in line
        reset_logging()
        assert logger.propagate is False
        assert len(logger.handlers) == 1
    finally:
        logger.handlers.clear()
        logger.propagate = True


def test_terminal_handlers_give_way_and_others_stay(capsys: pytest.CaptureFixture[str]) -> None:
    class Elsewhere(logging.Handler):
        seen = 0

        def emit(self, record: logging.LogRecord) -> None:
            self.seen += 1

    root = logging.getLogger()
    before = list(root.handlers)
    elsewhere, terminal = Elsewhere(), logging.StreamHandler(sys.stderr)
    root.handlers = [*before, elsewhere, terminal]
    try:
        configure_logging("json")
        logging.getLogger("x").info("once")
        captured = capsys.readouterr()
        assert len(captured.out.splitlines()) == 1
        assert captured.err == ""
        assert elsewhere.seen == 1
        reset_logging()
        assert root.handlers == [*before, elsewhere, terminal]
    finally:
        root.handlers = before


def test_resetting_puts_levels_and_handlers_back() -> None:
    root, named = logging.getLogger(), logging.getLogger("named")
    before = root.level, list(root.handlers), named.level, logging.getLogger("uvicorn.access").level
    configure_logging("json", {"root": "CRITICAL", "named": "ERROR"})
    configure_logging("console", {"root": "DEBUG"})
    assert named.level == before[2]
    reset_logging()
    assert (root.level, root.handlers, named.level, logging.getLogger("uvicorn.access").level) == before
