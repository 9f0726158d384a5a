import re
import uuid

import pytest
import structlog

from fastapi_factory_utilities.core.logs import configure_logging, get_logger


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that somebody looks at standard output."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("fastapi_factory_utilities.core.logs.output.Output.is_terminal", True)


def test_a_line_says_when_how_bad_what_with_which_facts_and_who(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("console")
    get_logger("my_service.odm").warning("plugin stop failed", plugin="odm", seconds=1.5, reason="too slow", left=None)
    line = capsys.readouterr().out
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d\.\d{3} WARNING  plugin stop failed {15,}plugin=odm  seconds=1.5  "
        r'reason="too slow"  left=null  \(my_service.odm\)\n',
        line,
    )


def test_the_first_value_of_each_line_stands_in_one_column(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("console", {"root": "DEBUG"})
    get_logger("x").debug("short", key=1)
    get_logger("x").critical("somewhat longer", key=1)
    columns = {line.index("key=") for line in capsys.readouterr().out.splitlines()}
    assert len(columns) == 1


def test_values_that_could_be_misread_are_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("console")
    get_logger("x").info("e", a="two words", b="x=1", c="", d="null", e=["l", 1], f=uuid.UUID(int=0), g='say "hi"')
    line = capsys.readouterr().out
    for part in ('a="two words"', 'b="x=1"', 'c=""', 'e=["l",1]', "f=00000000-0000", r'g="say \"hi\""'):
        assert f"  {part}" in line


def test_no_colour_goes_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("console")
    get_logger("x").error("e", a=1)
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.usefixtures("terminal")
def test_a_terminal_gets_colours(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("console")
    get_logger("x").error("e", a="\x1b[35m", exc_info=ValueError("v"))
    written = capsys.readouterr().out
    assert "\x1b[31mERROR" in written
    assert "\x1b[35m" not in written
    assert all(line.endswith("\x1b[0m") for line in written.splitlines())


@pytest.mark.usefixtures("terminal")
def test_no_color_is_respected(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    configure_logging("console")
    get_logger("x").error("e")
    assert "\x1b" not in capsys.readouterr().out


def test_json_is_never_coloured(capsys: pytest.CaptureFixture[str], terminal: None) -> None:
    configure_logging("json")
    get_logger("x").error("e")
    assert "\x1b" not in capsys.readouterr().out


def test_an_event_of_several_lines_goes_on_behind_a_gutter(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("console")
    structlog.get_logger("x").error("Traceback:\n  File x\nValueError", a=1)
    first, *others = capsys.readouterr().out.splitlines()
    assert first.endswith("a=1  (x)")
    assert others == ["    |   File x", "    | ValueError"]


def test_not_a_number_is_written_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("console")
    get_logger("x").info("e", a=float("nan"))
    assert "a=nan" in capsys.readouterr().out
