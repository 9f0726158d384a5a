import asyncio
import logging
from typing import Any

import pytest
import structlog
from structlog.contextvars import bind_contextvars, bound_contextvars, clear_contextvars

from fastapi_factory_utilities.core.logs import add_context_provider, configure_logging, get_logger


def test_bound_context_variables_come_with_every_kind_of_line(lines: Any) -> None:
    configure_logging("json")
    with bound_contextvars(request_id="r-1"):
        get_logger("x").info("ours")
        structlog.get_logger("x").info("structlog's")
        logging.getLogger("x").info("the standard library's")
    get_logger("x").info("outside")
    assert [line.get("request_id") for line in lines()] == ["r-1", "r-1", "r-1", None]


async def test_each_task_has_its_own_context(lines: Any) -> None:
    configure_logging("json")

    async def work(number: int) -> None:
        bind_contextvars(worker=number)
        await asyncio.sleep(0)
        get_logger("x").info("working", number=number)

    await asyncio.gather(*(work(number) for number in range(5)))
    assert all(line["worker"] == line["number"] for line in lines())


def test_an_events_own_values_win_over_those_around_it(lines: Any) -> None:
    configure_logging("json")
    with bound_contextvars(a="around", b="around"):
        get_logger("x").info("e", a="own")
    (line,) = lines()
    assert (line["a"], line["b"]) == ("own", "around")


def test_the_public_way_to_the_context_serves_as_well(lines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    configure_logging("json")
    with bound_contextvars(request_id="r-1"), monkeypatch.context() as without:
        without.delattr("structlog.contextvars._CONTEXT_VARS")
        get_logger("x").info("e")
    assert lines()[0]["request_id"] == "r-1"


def test_secrets_in_the_context_are_masked_too(lines: Any) -> None:
    configure_logging("json")
    with bound_contextvars(session_token="s-1", nested={"password": "p-1"}):
        get_logger("x").info("e")
    (line,) = lines()
    assert (line["session_token"], line["nested"]) == ("***", {"password": "***"})
    clear_contextvars()


def test_a_provider_adds_its_keys_until_it_is_taken_out(lines: Any) -> None:
    configure_logging("json")
    remove = add_context_provider(lambda: {"trace_id": "t-1"})
    get_logger("x").info("e")
    logging.getLogger("x").info("e")
    remove()
    get_logger("x").info("e")
    assert [line.get("trace_id") for line in lines()] == ["t-1", "t-1", None]


def test_a_provider_that_fails_costs_no_line(lines: Any) -> None:
    def failing() -> dict[str, Any]:
        raise LookupError

    configure_logging("json")
    add_context_provider(failing)
    get_logger("x").info("e")
    (line,) = lines()
    assert (line["event"], line["context_error"]) == ("e", "LookupError")
