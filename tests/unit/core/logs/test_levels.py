import logging
from dataclasses import dataclass
from typing import Any

import pytest
import structlog

from fastapi_factory_utilities.core.logs import configure_logging, get_logger


@dataclass(frozen=True)
class Rule:
    name: str
    level: str | int


@pytest.mark.parametrize(
    "levels",
    [
        {"shop": "WARNING", "shop.books": "debug"},
        [("shop", "WARNING"), ("shop.books", 10)],
        [Rule("shop", logging.WARNING), Rule("shop.books", " Debug ")],
    ],
)
def test_the_nearest_name_above_decides_for_all_kinds_of_loggers(levels: Any, lines: Any) -> None:
    configure_logging("json", levels)
    for name in ("shop", "shop.cart.items", "shop.books", "shop.books.index", "shopping", "elsewhere"):
        for log in (get_logger(name), structlog.get_logger(name), logging.getLogger(name)):
            for level in ("debug", "info", "warning"):
                getattr(log, level)(level)
    found = {(line["logger"], line["event"]) for line in lines()}
    both = {"info", "warning"}
    expected = {
        "shop": {"warning"},
        "shop.cart.items": {"warning"},
        "shop.books": {"debug", *both},
        "shop.books.index": {"debug", *both},
        "shopping": both,
        "elsewhere": both,
    }
    assert found == {(name, level) for name, levels_ in expected.items() for level in levels_}


@pytest.mark.parametrize("name", ["root", ""])
def test_the_root_level_is_for_everybody_else(name: str, lines: Any) -> None:
    configure_logging("json", {name: "ERROR"})
    get_logger("x").warning("no")
    logging.getLogger("y").warning("no")
    get_logger("x").error("yes")
    logging.getLogger("y").error("yes")
    assert [line["event"] for line in lines()] == ["yes", "yes"]


def test_loggers_made_before_follow_a_later_setup(lines: Any) -> None:
    log = get_logger("early").bind(a=1)
    assert log.is_enabled_for(logging.DEBUG)
    configure_logging("json", {"early": "ERROR"})
    log.warning("no")
    assert not log.is_enabled_for(logging.WARNING)
    assert log.get_effective_level() == logging.ERROR
    configure_logging("json", {"early": "DEBUG"})
    log.debug("yes")
    assert [line["event"] for line in lines()] == ["yes"]


def test_an_unknown_level_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'shop' has level 'LOUD': use one of NOTSET, (TRACE, )?DEBUG"):
        configure_logging("json", {"shop": "LOUD"})


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="use 'console' or 'json'"):
        configure_logging("yaml")  # type: ignore[arg-type] # that is the point
