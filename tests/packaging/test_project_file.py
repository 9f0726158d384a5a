"""pyproject.toml and requirements/dev.txt agree with themselves and with what they promise."""

import re
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.packaging.installed import PINS, ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
SINGLE_EXTRAS = ("mongo", "amqp", "taskiq", "http", "otel", "redis", "jwt", "limits")


def pinned() -> dict[str, str]:
    lines = [line for line in PINS.read_text().splitlines() if line and not line.startswith("#")]
    return {re.split(r"[=;\s]", line, maxsplit=1)[0]: line for line in lines}


def test_the_extras_are_the_promised_ones() -> None:
    assert set(EXTRAS) == {*SINGLE_EXTRAS, "all", "embedded"}


def test_the_extra_all_is_every_other_one_without_the_embedded_server() -> None:
    together = {dependency for extra in SINGLE_EXTRAS for dependency in EXTRAS[extra]}
    assert set(EXTRAS["all"]) == together
    assert len(EXTRAS["all"]) == len(together)


def test_the_test_group_brings_every_driver_so_that_poetry_needs_no_extra() -> None:
    groups = PROJECT["dependency-groups"]
    assert {"include-group": "drivers"} in groups["test"]
    assert set(groups["drivers"]) == set(EXTRAS["all"])


def test_the_embedded_server_has_the_same_version_everywhere() -> None:
    wanted = EXTRAS["embedded"]
    assert [line for line in PROJECT["dependency-groups"]["test"] if "secantusdb" in line] == wanted


@pytest.mark.parametrize("floor", ["fastapi>=0.115.13", "pydantic>=2.11", "beanie>=2.1", "pymongo>=4.11"])
def test_the_promised_floors_are_kept(floor: str) -> None:
    assert floor in [*PROJECT["project"]["dependencies"], *EXTRAS["mongo"]]


def test_every_dependency_is_pinned_for_development() -> None:
    names = [
        Requirement(line).name
        for line in [*PROJECT["project"]["dependencies"], *EXTRAS["all"], *EXTRAS["embedded"]]
        + [line for group in PROJECT["dependency-groups"].values() for line in group if isinstance(line, str)]
    ]
    assert not set(names) - set(pinned())


def test_the_pins_name_no_registry_and_no_machine() -> None:
    assert not [line for line in PINS.read_text().splitlines() if re.search(r"://|/|--|@|sha256", line)]
