import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.logs import configure_logging, get_logger
from fastapi_factory_utilities.core.redaction import register_secrets


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


class Card(BaseModel):
    number: int
    owner: str


def deep(depth: int) -> None:
    if depth:
        deep(depth - 1)
    else:
        raise ValueError("at the bottom")


def ping(depth: int) -> None:
    pong(depth - 1)


def pong(depth: int) -> None:
    ping(depth - 1) if depth > 0 else deep(0)


def endless() -> None:
    ping(sys.maxsize)


def chain(length: int) -> None:
    error: Exception = KeyError("root of the matter")
    for number in range(length):
        following = RuntimeError(f"link {number}")
        following.__cause__ = error
        error = following
    raise error


def wide(width: int, depth: int = 1) -> None:
    def group(depth: int) -> Exception:
        if not depth:
            return ValueError("m\n" * 50)
        return ExceptionGroup("several", [group(depth - 1) for _ in range(width)])

    raise group(depth)


def long_message() -> None:
    raise ValueError("line\n" * 100_000)


def noted() -> None:
    error = ValueError("with notes")
    for number in range(1000):
        error.add_note(f"note {number}\n" * 100)
    raise error


def circular() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__context__, two.__context__ = two, one
    raise one


MONSTERS: dict[str, Callable[[], None]] = {
    "deep": lambda: deep(700),
    "mutual recursion": lambda: ping(700),
    "endless recursion": endless,
    "long chain": lambda: chain(10_000),
    "wide group": lambda: wide(1_000),
    "tree of groups": lambda: wide(7, 4),
    "long message": long_message,
    "many notes": noted,
    "circular": circular,
}


def logged(raising: Callable[[], None]) -> None:
    try:
        raising()
    except Exception:  # noqa: BLE001 - all kinds of them
        get_logger("x").exception("it failed", book_id=7)


@pytest.mark.parametrize("raising", MONSTERS.values(), ids=MONSTERS)
def test_an_exception_takes_at_most_a_hundred_lines_of_the_console(
    raising: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("console")
    logged(raising)
    written = capsys.readouterr().out.splitlines()
    assert 2 <= len(written) <= 100
    assert "it failed" in written[0]


@pytest.mark.parametrize("raising", MONSTERS.values(), ids=MONSTERS)
def test_an_exception_takes_one_bounded_line_of_json(
    raising: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("json")
    logged(raising)
    (line,) = capsys.readouterr().out.splitlines()
    assert len(line) < 40_000
    assert json.loads(line)["exception"]["type"]


def test_an_exception_is_told_as_type_message_and_frames(lines: Any) -> None:
    configure_logging("json")
    logged(lambda: deep(0))
    told = lines()[0]["exception"]
    assert told["type"] == "ValueError"
    assert told["message"] == "at the bottom"
    frames = [frame.rpartition("/")[2] for frame in told["frames"]]
    assert [frame.split(" ")[1] for frame in frames] == [
        "logged",
        "test_an_exception_is_told_as_type_message_and_frames.<locals>.<lambda>",
        "deep",
    ]
    assert all(frame.startswith("test_tracebacks.py:") for frame in frames)
    assert set(told) == {"type", "message", "frames"}


def test_a_call_that_repeats_is_counted(lines: Any) -> None:
    configure_logging("json")
    logged(lambda: deep(500))
    frames = lines()[0]["exception"]["frames"]
    assert frames[-2].endswith(" deep (500 times)")
    assert frames[-1].endswith(" deep")


def test_the_middle_of_a_deep_traceback_is_counted(lines: Any) -> None:
    configure_logging("json")
    logged(lambda: ping(500))
    frames = lines()[0]["exception"]["frames"]
    assert len(frames) < 25
    assert any(frame.endswith(" frames left out") for frame in frames)
    assert frames[-1].endswith(" deep")


def test_causes_are_told_from_the_nearest_to_the_root(lines: Any) -> None:
    configure_logging("json")
    logged(lambda: chain(2))
    told = lines()[0]["exception"]
    assert told["message"] == "link 1"
    assert [(cause["relation"], cause["message"]) for cause in told["causes"]] == [
        ("cause", "link 0"),
        ("cause", "'root of the matter'"),
    ]


def test_of_a_long_chain_the_root_is_kept_and_the_middle_counted(lines: Any) -> None:
    configure_logging("json")
    logged(lambda: chain(100))
    told = lines()[0]["exception"]
    assert told["causes"][-1]["message"] == "'root of the matter'"
    assert len(told["causes"]) + told["omitted_causes"] == 100


def test_an_exception_raised_while_handling_another_says_so(lines: Any) -> None:
    def raising() -> None:
        try:
            deep(0)
        except ValueError:
            raise KeyError("clumsy")  # noqa: B904 - the implicit context is the point

    def hiding() -> None:
        try:
            deep(0)
        except ValueError:
            raise KeyError("alone") from None

    configure_logging("json")
    logged(raising)
    logged(hiding)
    first, second = lines()
    assert [cause["relation"] for cause in first["exception"]["causes"]] == ["context"]
    assert "causes" not in second["exception"]


def test_members_of_a_group_are_told_and_the_rest_counted(lines: Any) -> None:
    configure_logging("json")
    logged(lambda: wide(100))
    told = lines()[0]["exception"]
    assert {member["type"] for member in told["members"]} == {"ValueError"}
    assert len(told["members"]) + told["omitted_members"] == 100


def test_the_plumbing_between_is_counted_not_shown(lines: Any) -> None:
    import contextlib  # noqa: PLC0415 - its frames are the plumbing

    @contextlib.contextmanager
    def guard() -> Any:
        yield

    def raising() -> None:
        with contextlib.ExitStack() as stack:
            stack.callback(stack.close)
            stack.enter_context(guard())
            stack.callback(lambda: deep(0))

    configure_logging("json")
    logged(raising)
    frames = lines()[0]["exception"]["frames"]
    assert any(frame.startswith("... ") and frame.endswith(" frames of contextlib") for frame in frames)
    assert frames[-1].endswith(" deep")


def test_local_variables_are_never_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def raising() -> None:
        canary = "unregistered-canary"
        raise ValueError(len(canary))

    for mode in ("console", "json"):
        configure_logging(mode)
        logged(raising)
    assert "unregistered-canary" not in capsys.readouterr().out


def test_a_broken_str_does_not_break_logging(lines: Any) -> None:
    def raising() -> None:
        raise UnprintableError

    configure_logging("json")
    logged(raising)
    assert lines()[0]["exception"]["message"] == "<UnprintableError, and its __str__ raised RuntimeError>"


def test_the_fields_of_our_own_errors_come_along(lines: Any) -> None:
    def raising() -> None:
        raise BackendUnavailableError("MongoDB does not answer: is it running?", component="database:mongo", token="t")

    configure_logging("json")
    logged(raising)
    assert lines()[0]["exception"]["fields"] == {"component": "database:mongo", "token": "***"}


def test_validation_errors_tell_places_and_reasons_but_not_the_input(capsys: pytest.CaptureFixture[str]) -> None:
    def pydantic_error() -> None:
        Card.model_validate({"number": "4111-hunter2"})

    def fastapi_error() -> None:
        try:
            Card.model_validate({"number": "4111-hunter2"})
        except ValidationError as error:
            raise RequestValidationError(error.errors()) from None

    configure_logging("json")
    logged(pydantic_error)
    logged(fastapi_error)
    written = capsys.readouterr().out
    assert "4111-hunter2" not in written
    for line in map(json.loads, written.splitlines()):
        assert "number: Input should be a valid integer" in line["exception"]["message"]
        assert "owner: Field required" in line["exception"]["message"]


def test_a_validation_error_of_many_mistakes_is_bounded_and_a_broken_one_told_all_the_same(lines: Any) -> None:
    class BrokenError(RequestValidationError):
        def errors(self) -> Any:
            raise KeyError("loc")

    BrokenError.__module__ = "fastapi.broken"
    configure_logging("json")
    many = [{"loc": ("body", number), "msg": "wrong", "type": "x"} for number in range(50)]
    get_logger("x").error("many", exc_info=RequestValidationError(many))
    get_logger("x").error("broken", exc_info=BrokenError([]))
    first, second = lines()
    assert first["exception"]["message"].startswith("50 validation errors: body.0: wrong; body.1: wrong; ")
    assert first["exception"]["message"].endswith("; body.19: wrong; ...")
    assert second["exception"]["type"] == "fastapi.broken." + BrokenError.__qualname__


def test_messages_and_notes_are_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    def raising() -> None:
        error = ConnectionError("cannot connect with hunter2-canary")
        error.add_note("while using hunter2-canary")
        raise RuntimeError("no database: " + "x" * 1990 + "hunter2-canary") from error

    register_secrets(["hunter2-canary"])
    for mode in ("console", "json"):
        configure_logging(mode)
        logged(raising)
    assert "hunter2" not in capsys.readouterr().out


def test_stack_info_lists_the_callers_without_the_machinery(lines: Any) -> None:
    import logging  # noqa: PLC0415 - its own way to ask for the stack

    configure_logging("json")
    get_logger("x").info("where am I", stack_info=True)
    logging.getLogger("x").info("and here", stack_info=True)
    ours, theirs = lines()
    name = "test_stack_info_lists_the_callers_without_the_machinery"
    assert ours["stack"][-1].endswith(name)
    assert name in "".join(theirs["stack"])


def test_an_exception_may_be_given_in_any_of_loggings_ways(lines: Any) -> None:
    configure_logging("json")
    error = ValueError("given")
    log = get_logger("x")
    log.info("instance", exc_info=error)
    log.info("tuple", exc_info=(ValueError, error, None))
    log.info("none to be found", exc_info=True)  # noqa: LOG014 - a mistake people make
    log.info("no", exc_info=False)
    assert [line.get("exception", {}).get("message") for line in lines()] == ["given", "given", None, None]
