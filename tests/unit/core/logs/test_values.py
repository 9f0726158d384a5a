import dataclasses
import enum
import json
import math
import uuid
from collections import deque
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr

from fastapi_factory_utilities.core.logs import configure_logging, get_logger
from fastapi_factory_utilities.core.logs.json_lines import json_line
from fastapi_factory_utilities.core.logs.output import STDOUT
from fastapi_factory_utilities.core.logs.pipeline import Pipeline
from fastapi_factory_utilities.core.logs.values import VALUE_LIMIT, plain
from fastapi_factory_utilities.core.redaction import forget_secrets, register_secrets


class Color(enum.Enum):
    RED = "red"


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text for you")

    __repr__ = __str__


class Model(BaseModel):
    name: str = "n"
    password: SecretStr = SecretStr("hunter2")
    hidden: str = Field(default="hunter2", repr=False)


@dataclasses.dataclass
class Point:
    x: int = 1
    token: str = "hunter2"
    hidden: str = dataclasses.field(default="hunter2", repr=False)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime(2026, 11, 23, tzinfo=UTC), "2026-11-23 00:00:00+00:00"),
        (Decimal("1.10"), "1.10"),
        (Path("/tmp/x"), "/tmp/x"),  # noqa: S108 - only a text here
        (Color.RED, "red"),
        (b"\x00\xff", "b'\\x00\\xff'"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        ((1, 2), [1, 2]),
        (deque([1]), [1]),
        ({1: {"a": None}}, {"1": {"a": None}}),
        (SecretStr("hunter2"), "***"),
        (Model(), {"name": "n", "password": "***"}),
        (Point(), {"x": 1, "token": "***"}),
        (
            {"headers": [(b"cookie", b"hunter2"), (b"accept", b"*/*")]},
            {"headers": [["b'cookie'", "***"], ["b'accept'", "b'*/*'"]]},
        ),
        (Broken(), "<Broken, and its __str__ raised RuntimeError>"),
        (ValueError("bad"), "ValueError: bad"),
        (10**30, 10**30),
        pytest.param(10**20_000, "<integer of 66439 bits>", id="huge integer"),
    ],
)
def test_any_value_becomes_something_readable(value: Any, shown: Any, lines: Any) -> None:
    assert plain(value) == shown
    configure_logging("json")
    get_logger("x").info("e", value=value)
    assert lines()[0]["value"] == shown


def test_a_long_text_is_cut_and_says_by_how_much(lines: Any) -> None:
    configure_logging("json")
    get_logger("x").info("e" * 50_000, value="v" * 100_000, ok=1)
    (line,) = lines()
    assert line["value"] == "v" * VALUE_LIMIT + "...<90000 more characters>"
    assert line["event"] == "e" * VALUE_LIMIT + "...<40000 more characters>"


def test_a_secret_at_the_cut_leaves_no_half_of_itself(lines: Any) -> None:
    configure_logging("json")
    register_secrets(["hunter2-hunter2"])
    get_logger("x").info("e", value="v" * (VALUE_LIMIT - 7) + "hunter2-hunter2" + "w" * 20_000)
    assert "hunt" not in lines()[0]["value"]


def test_wide_deep_and_circular_values_are_bounded(lines: Any) -> None:
    circle: dict[str, Any] = {}
    circle["again"] = circle
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    configure_logging("json")
    get_logger("x").info("e", wide=list(range(100_000)), deep=deep, circle=circle, long=["x" * 9_000] * 500)
    line = lines()[0]
    assert line["wide"][-1] == "...<99000 more>"
    assert "nested too deep" in json.dumps(line["deep"])
    assert "nested too deep" in json.dumps(line["circle"])
    assert len(json.dumps(line["long"])) < 2 * VALUE_LIMIT


def test_an_object_that_breaks_when_it_is_read_costs_its_value_only(lines: Any) -> None:
    class Cursed(dict[str, int]):
        def items(self) -> Any:
            raise OSError

        def __len__(self) -> int:
            raise OSError

    configure_logging("json")
    get_logger("x").info("e", cursed=Cursed(), fine=1)
    (line,) = lines()
    assert line["cursed"] == "<Cursed, and reading it raised OSError>"
    assert line["fine"] == 1


@pytest.mark.parametrize("key", ["password", "authorization", "api_key", "Set_Cookie", "client_secret", "token"])
@pytest.mark.parametrize("value", ["hunter2", 12345, ["hunter2"], {"a": "hunter2"}, b"hunter2", True])
def test_values_under_the_name_of_a_secret_are_masked_whatever_they_are(key: str, value: object, lines: Any) -> None:
    configure_logging("json")
    get_logger("x").info("e", **{key: value})
    get_logger("x").info("e", outer={"inner": [{key: value}]})
    first, second = lines()
    assert first[key] == "***"
    assert second["outer"]["inner"][0][key] == "***"


def test_that_there_is_no_secret_is_no_secret(lines: Any) -> None:
    configure_logging("json")
    get_logger("x").info("e", token=None)
    assert lines()[0]["token"] is None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)) | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(
    value=anything,
    event=st.text(st.characters(codec=None)),
    secret=st.sampled_from(["info", "true", "1234", "nabc", "\\u00"]),
)
def test_a_line_is_always_one_line_of_valid_json(value: Any, event: str, secret: str) -> None:
    register_secrets([secret])
    try:
        line = Pipeline(json_line, STDOUT).line(0.0, "info", "x", event, {"value": value, "flag": True, "n": 12345})
    finally:
        forget_secrets()
    assert len(line.splitlines()) == 1
    assert json.loads(line)["level"] == "info"
