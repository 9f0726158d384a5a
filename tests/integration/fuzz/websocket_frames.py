"""A WebSocket's frames, right and wrong (RFC 6455, 5.2), and the handshakes before them."""

import struct
from typing import Final

from hypothesis import strategies as st

from tests.integration.fuzz.raw_http import request

__all__ = ["conversations"]

_GOOD: Final = {
    b"Upgrade": b"websocket",
    b"Sec-WebSocket-Key": b"dGhlIHNhbXBsZSBub25jZQ==",
    b"Sec-WebSocket-Version": b"13",
}
_PLACES: Final = st.sampled_from(
    [b"/api/talk/1", b"/api/talk/1", b"/api/talk/1?wish=%ff%00", b"/api/talk/x", b"/nowhere", b"/_dev"]
)
_ODD: Final = st.sampled_from(
    [
        (b"Sec-WebSocket-Key", b"\xff"),
        (b"Sec-WebSocket-Version", b"99"),
        (b"Sec-WebSocket-Extensions", b"permessage-deflate; client_max_window_bits=99"),
        (b"Sec-WebSocket-Extensions", b"permessage-deflate"),
        (b"Sec-WebSocket-Protocol", b"\xff, ,a"),
        (b"Origin", b"null"),
        (b"Content-Length", b"5"),
        (b"Traceparent", b"\xff"),
    ]
)


def _frame(first: int, is_masked: bool, told: int | None, content: bytes) -> bytes:
    """One frame; its length may be a lie."""
    length = len(content) if told is None else told
    mask = 0x80 if is_masked else 0
    if length < 126:
        head = bytes([first, mask | length])
    elif length < 2**16:
        head = bytes([first, mask | 126]) + struct.pack(">H", length)
    else:
        head = bytes([first, mask | 127]) + struct.pack(">Q", length)
    return head + (b"\x00" * 4 if is_masked else b"") + content


_frames = st.builds(
    _frame,
    st.sampled_from([0x81, 0x82, 0x88, 0x89, 0x8A, 0x01, 0x00, 0x80]) | st.integers(0, 255),
    st.sampled_from([True, True, True, False]),
    st.sampled_from([None, None, None, 0, 125, 126, 2**16, 2**31, 2**63, 2**64 - 1]),
    st.binary(max_size=130) | st.sampled_from([b"\xff\xfe", b"\x03\xe8\xff", b"\x00\x00", b"[" * 5000, b"\x03\xe7"]),
)

_CONTENT: Final = st.binary(max_size=130) | st.text(max_size=30).map(str.encode)
_fitting = st.builds(_frame, st.sampled_from([0x81, 0x82, 0x82, 0x89]), st.just(True), st.none(), _CONTENT)

conversations: st.SearchStrategy[tuple[bytes, bytes]] = st.builds(
    lambda place, odd, fitting, frames: (
        request(b"GET", place, [*{**_GOOD, **dict(odd)}.items(), (b"Content-Length", b"0")]).replace(
            b"Connection: close", b"Connection: Upgrade"
        ),
        b"".join([*fitting, *frames]),
    ),
    _PLACES,
    st.just([]) | st.lists(_ODD, min_size=1, max_size=1),
    st.lists(_fitting, max_size=3),
    st.lists(_frames, max_size=3),
)
"""A handshake, and what is said after it."""
