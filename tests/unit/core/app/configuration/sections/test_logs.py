"""Levels are names in any case, or numbers."""

import logging

import pytest
from pydantic import ValidationError

from fastapi_factory_utilities.core.app.config import LoggerConfig


@pytest.mark.parametrize(
    ("level", "number"),
    [
        ("debug", 10),
        ("INFO", 20),
        (" Warning ", 30),
        ("warn", 30),
        ("fatal", 50),
        ("NotSet", 0),
        (15, 15),
        ("15", 15),
    ],
)
def test_a_level_is_read(level: str | int, number: int) -> None:
    assert LoggerConfig.model_validate({"name": "root", "level": level}).level == number


def test_levels_that_the_application_has_added_are_known() -> None:
    logging.addLevelName(5, "TRACE")

    assert LoggerConfig.model_validate({"name": "root", "level": "trace"}).level == 5


@pytest.mark.parametrize("level", ["loud", "", True, False, None, 1.5, "9" * 5000, "²", ["info"]])
def test_anything_else_is_refused(level: object) -> None:
    with pytest.raises(ValidationError, match="expected 'critical', 'error'"):
        LoggerConfig.model_validate({"name": "root", "level": level})
