"""Whatever a message's properties are, what is left of them can be read, and nothing is lost that can be."""

import asyncio
import struct

from hypothesis import given
from hypothesis import strategies as st
from pamqp import frame
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from fastapi_factory_utilities.core.plugins.aiopika.careful_reader import CarefulReader, readable_header

# Class, weight, size of the body; then flags and properties.
FIXED = struct.pack(">HHQ", 60, 0, 7)
CONTENT_TYPE, MESSAGE_ID, TIMESTAMP = 1 << 15, 1 << 7, 1 << 6


def read(payload: bytes) -> Basic.Properties:
    header = ContentHeader()
    header.unmarshal(payload)
    assert header.body_size == 7
    return header.properties


def test_what_can_be_read_stays_as_it_is() -> None:
    whole = Basic.Properties(content_type="text/plain", headers={"a": 1}, message_id="m", app_id="x")
    payload = frame.marshal(ContentHeader(body_size=7, properties=whole), 1)[7:-1]

    assert readable_header(payload) == (payload, [])


def test_only_what_cannot_be_read_is_left_out() -> None:
    properties = b"\x01\xff" + b"\x01m" + struct.pack(">Q", 2**63)
    payload = FIXED + struct.pack(">H", CONTENT_TYPE | MESSAGE_ID | TIMESTAMP) + properties

    readable, gone = readable_header(payload)

    assert gone == ["content_type", "timestamp"]
    assert read(readable).message_id == "m"


@given(flags=st.integers(0, 2**16 - 1), properties=st.binary(max_size=80))
def test_no_properties_are_left_that_cannot_be_read(flags: int, properties: bytes) -> None:
    readable, _ = readable_header(FIXED + struct.pack(">H", flags) + properties)

    read(readable)


async def test_other_frames_pass_unseen_and_the_driver_may_ask_for_a_frame_in_pieces() -> None:
    body = struct.pack(">BHI", 3, 1, 2) + b"\xff\xff" + b"\xce"
    header = FIXED + struct.pack(">H", CONTENT_TYPE) + b"\x01\xff"
    stream = asyncio.StreamReader()
    stream.feed_data(body + struct.pack(">BHI", 2, 1, len(header)) + header + b"\xce" + b"AMQP\x00\x00\x09\x01")
    stream.feed_eof()
    told: list[list[str]] = []
    reader = CarefulReader(stream, told.append)

    assert [await reader.readexactly(size) for size in (1, 6, 3)] == [body[:1], body[1:7], body[7:]]
    assert frame.unmarshal(await reader.readexactly(7 + 14 + 1))[2].properties.content_type is None  # type: ignore[union-attr]  # a header frame
    assert told == [["content_type"]]
    assert await reader.readexactly(7) == b"AMQP\x00\x00\x09"
    assert not reader.at_eof()
