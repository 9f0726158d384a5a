"""Our encoding against Beanie's own, value by value and to the byte."""

import ipaddress
import re
from collections import OrderedDict, deque
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import bson
import pytest
from beanie.odm.utils.encoder import Encoder
from bson.codec_options import CodecOptions
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AnyUrl, BaseModel, ConfigDict, Field, HttpUrl, RootModel, SecretBytes, SecretStr

from fastapi_factory_utilities.core.plugins.odm_plugin.encoding import ValueEncoders


class Colour(Enum):
    RED = "red"


class Text(StrEnum):
    ONE = "one"


class Number(IntEnum):
    TWO = 2


class Inner(BaseModel):
    name: str = Field(alias="n")
    hidden: int = Field(default=1, exclude=True)
    maybe: str | None = None


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Many(RootModel[list[Inner]]):
    pass


WITHOUT_ZONE = datetime(2024, 1, 1)  # noqa: DTZ001 - on purpose

VALUES: list[Any] = [
    *(None, True, 0, -1, 2**31, 2**62, 1.5, "text", "", "é\x00", b"", b"bytes", bytearray(b"x")),
    *(UUID(int=7), Decimal("1.230"), Colour.RED, Text.ONE, Number.TWO),
    *(
        datetime(2024, 1, 1, tzinfo=UTC),
        WITHOUT_ZONE,
        date(2024, 1, 1),
        timedelta(seconds=1.5),
    ),
    *(SecretStr("s"), SecretBytes(b"s"), AnyUrl("http://a/"), HttpUrl("http://a/b")),
    *(ipaddress.ip_address("127.0.0.1"), ipaddress.ip_network("10.0.0.0/8"), PurePosixPath("/a/b")),
    *(
        re.compile("a", re.IGNORECASE),
        bson.Regex("a"),
        bson.ObjectId("0" * 24),
        bson.Decimal128("1"),
        bson.Binary(b"x", 5),
    ),
    *(bson.Int64(3), bson.MinKey(), bson.DBRef("c", 1)),
    *([1, [2]], (1, 2), {1}, frozenset({1}), deque([1]), range(3), {"a": 1}, OrderedDict(a={2: 3}), {Text.ONE: 1}),
    *(
        Inner(n="x"),
        Inner(n="x", maybe="y"),
        Open.model_validate({"a": 1, "b": Inner(n="z")}),
        Many([Inner(n="q")]),
        [Inner(n="a")],
    ),
]


def as_bytes(value: Any) -> bytes:
    return bson.encode({"": value}, codec_options=CodecOptions(tz_aware=True, uuid_representation=4))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("keep_nulls", [True, False])
@pytest.mark.parametrize("native_uuids", [True, False])
def test_a_value_is_encoded_as_beanie_does(value: Any, keep_nulls: bool, native_uuids: bool) -> None:
    ours = ValueEncoders({}, keep_nulls=keep_nulls, native_uuids=native_uuids).encode(value)
    assert as_bytes(ours) == as_bytes(Encoder(to_db=True, keep_nulls=keep_nulls).encode(value))


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
    | st.uuids()
    | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001 - hypothesis wants them so
    | st.dates(date(1900, 1, 1), date(2200, 1, 1))
    | st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9)
    | st.sampled_from([Colour.RED, Text.ONE, Number.TWO])
)
KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.tuples(inner, inner),
    max_leaves=10,
)


@given(ANYTHING)
def test_whatever_it_holds_it_is_encoded_as_beanie_does(value: Any) -> None:
    assert as_bytes(ValueEncoders({}, keep_nulls=True).encode(value)) == as_bytes(Encoder(to_db=True).encode(value))


@given(ANYTHING)
def test_what_is_encoded_is_what_is_read(value: Any) -> None:
    encoded = ValueEncoders({}, keep_nulls=True).encode(value)
    read: dict[str, Any] = bson.decode(as_bytes(encoded), CodecOptions(tz_aware=True))
    assert as_bytes(read[""]) == as_bytes(encoded)


def test_custom_encoders_come_first_even_for_subclasses() -> None:
    custom: dict[type, Any] = {
        Decimal: str,
        BaseModel: lambda model: type(model).__name__,
        datetime: lambda at: at.year,
    }
    values = {"a": Decimal("1.0"), "b": [Inner(n="x")], "c": datetime(2024, 1, 1, tzinfo=UTC), "d": date(2024, 1, 1)}
    ours = ValueEncoders(custom, keep_nulls=True).encode(values)
    assert ours == Encoder(custom_encoders=custom).encode(values)
    assert ours["a"] == "1.0"
    assert ours["b"] == ["Inner"]
    assert ours["c"] == 2024


def test_a_uuid_is_of_the_standard_subtype() -> None:
    value = UUID(int=5)
    encoded = ValueEncoders({}, keep_nulls=True).encode(value)
    assert encoded == bson.Binary.from_uuid(value)
    assert encoded.subtype == 4


def test_what_has_no_form_in_bson_is_refused_by_its_type() -> None:
    class Strange:
        def __repr__(self) -> str:
            return "secret"

    with pytest.raises(ValueError, match="Strange has no form in BSON") as caught:
        ValueEncoders({}, keep_nulls=True).encode({"a": [Strange()]})
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="time has no form"):
        ValueEncoders({}, keep_nulls=True).encode(time(1))
