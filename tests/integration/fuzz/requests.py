"""Hostile requests: addresses, headers and bodies as no well-behaved client sends them."""

from typing import Final
from urllib.parse import quote

from hypothesis import strategies as st

from tests.integration.fuzz.documents import documents
from tests.integration.fuzz.raw_http import request

__all__ = ["garbled", "multipart", "requests_to", "urlencoded"]

_METHODS: Final = st.sampled_from(
    [b"GET", b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"HEAD", b"OPTIONS", b"TRACE", b"BREW", b"get", b"CONNECT"]
)
_WORDS: Final = (
    st.sampled_from([b"1", b"2020-01-01", b"00000000-0000-4000-8000-000000000000", b"red"])
    | st.text(max_size=12).map(lambda text: quote(text, safe="").encode())
    | st.sampled_from(
        [
            b"%00",
            b"%ff%fe",
            b"%ED%A0%80",
            b"%",
            b"%2e%2e%2f",
            b"..%2f..",
            b"9" * 400,
            b"-1",
            b"nan",
            b"1e400",
            b"%F0%9F%92%A9" * 9,
            b"0001-01-01T00:00:00%2b23:59",
            b"99999999999999999999",
        ]
    )
)
# Bytes that servers let through in a header: everything else is for `garbled`.
_TEXT: Final = st.binary(max_size=20).map(lambda raw: bytes(byte for byte in raw if byte >= 0x20 and byte != 0x7F))
_VALUES: Final = _TEXT | st.sampled_from(
    [
        b"",
        b"0",
        b"-1",
        b"9" * 400,
        b"\xff\xfe",
        b"a=b; c; =; ;;; \xff=\xff",
        b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        b"00-" + b"g" * 32 + b"-" + b"0" * 16 + b"-zz",
        b"[::1",
        b"*/*;q=nan, a/b;q=1e400, ;;;, application/health+json;q=-1",
        b"bytes=9-1,-,a-",
        b"Bearer ey.ey.ey",
        b"Basic \xff",
        b'for="[::1]:x";proto=\xff',
        b"chunked, gzip",
        b"1.2.3.4, \xff, ::1%eth0, 999.1.1.1",
        b'W/"\xff", *',
        b"Mon, 99 Foo 99999 99:99:99 GMT",
    ]
)
_LONG: Final = st.sampled_from([b"x", b"9", b"a=b;", b"1.2.3.4,", b"00-"]).map(lambda piece: piece * 2000)
_NAMES: Final = st.sampled_from(
    [
        b"Accept",
        b"Accept-Encoding",
        b"Accept-Language",
        b"Authorization",
        b"B3",
        b"Baggage",
        b"Content-Encoding",
        b"Content-Type",
        b"Cookie",
        b"Expect",
        b"Forwarded",
        b"If-Modified-Since",
        b"If-None-Match",
        b"Origin",
        b"Access-Control-Request-Method",
        b"Access-Control-Request-Headers",
        b"Range",
        b"Referer",
        b"Sec-Fetch-Site",
        b"Traceparent",
        b"Tracestate",
        b"User-Agent",
        b"X-B3-TraceId",
        b"X-B3-SpanId",
        b"X-Forwarded-For",
        b"X-Forwarded-Host",
        b"X-Forwarded-Proto",
        b"X-HTTP-Method-Override",
        b"X-Key",
        b"X-Request-ID",
    ]
)
_KINDS: Final = st.sampled_from(
    [
        b"application/json; charset=\xff",
        b"application/merge-patch+json",
        b"text/plain",
        b"/",
        b"",
        b"multipart/form-data",
        b"multipart/form-data; boundary=\xff",
        b"multipart/form-data; boundary=x; charset=nonsense",
        b"multipart/form-data; boundary=x; boundary=y",
        b"application/x-www-form-urlencoded; charset=nonsense",
        b"multipart/mixed; boundary=x",
    ]
)
_HOSTS: Final = st.sampled_from(
    [b"127.0.0.1"] * 5 + [b"[::1", b"\xff", b"a b", b"x:y", b"a:99999999", b"@", b"", b"x" * 300, b"[v1.x]", b"::"]
)

odd_headers: st.SearchStrategy[list[tuple[bytes, bytes]]] = st.lists(st.tuples(_NAMES, _VALUES | _LONG), max_size=5)
"""Headers that somebody reads; some of them several times."""


@st.composite
def requests_to(
    draw: st.DrawFn, places: list[tuple[str, str]], *bodies: tuple[bytes, st.SearchStrategy[bytes]]
) -> bytes:
    """Requests to places that are there, and beside them; most of them are odd in one way only.

    Args:
        draw: Hypothesis's.
        places: Methods, and paths as OpenAPI has them.
        *bodies: Content types, and what is sent as such, beside JSON.
    """
    method, path = draw(st.sampled_from(places))
    odd = draw(st.sampled_from(["method", "target", "header", "type", "host", "body", "body", "body", "word", "word"]))
    kind, body = draw(st.sampled_from([(b"application/json", documents()), *bodies]))
    if odd == "type":
        kind = draw(_KINDS)
    headers = [(b"Content-Type", kind), *(draw(odd_headers) if odd == "header" else [])]
    return request(
        draw(_METHODS) if odd == "method" else method.encode(),
        draw(_targets(path, is_beside=odd == "target")),
        headers,
        draw(body) if odd in ("body", "type") or draw(st.booleans()) else b"",
        host=draw(_HOSTS) if odd == "host" else b"127.0.0.1",
    )


@st.composite
def _targets(draw: st.DrawFn, path: str, *, is_beside: bool) -> bytes:
    pieces = [draw(_WORDS) if piece.startswith("{") else piece.encode() for piece in path.split("/")]
    target = b"/".join(pieces)
    if is_beside:
        target += draw(st.sampled_from([b"/", b"//", b"/.", b";x", b"%00", b"/../x", b"?", b"#x"]))
    names = st.sampled_from([b"skip", b"limit", b"words", b"at", b"ratio", b"colours", b"known", b"x", b""]) | _WORDS
    query = draw(st.lists(st.tuples(names, _WORDS), max_size=4))
    return target + (b"?" + b"&".join(name + b"=" + value for name, value in query) if query else b"")


_DISPOSITIONS: Final = st.sampled_from(
    [
        b'Content-Disposition: form-data; name="title"',
        b'Content-Disposition: form-data; name="files"; filename="a"',
        b"Content-Disposition: form-data; name=\"files\"; filename*=utf-8''%ff%00",
        b'Content-Disposition: form-data; name="files"; filename="../../\xff\x00"',
        b'Content-Disposition: form-data; name="title"\r\nContent-Type: text/plain; charset=\xff',
        b'Content-Disposition: form-data; name="title"; name="count"',
        b"Content-Disposition: \xff",
        b"Content-Disposition",
        b"nothing",
        b"",
    ]
) | st.sampled_from([b"x", b"\r\nA: b"]).map(
    lambda piece: b'Content-Disposition: form-data; name="count"' + piece * 2000
)


@st.composite
def multipart(draw: st.DrawFn) -> bytes:
    """A body of parts, with `x` between them."""
    found = draw(st.lists(st.tuples(_DISPOSITIONS, st.binary(max_size=50)), max_size=4))
    times = draw(st.sampled_from([1, 1, 1, 1500]))  # more than a form may have
    parts = b"".join(b"--x\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head, content in found[:1] * times + found)
    return parts[:150_000] + draw(st.sampled_from([b"--x--\r\n", b"--x--", b"--x", b"", b"--x\r\n", b"--y--\r\n"]))


urlencoded: st.SearchStrategy[bytes] = st.lists(
    st.tuples(st.sampled_from([b"title", b"count", b""]) | _WORDS, _WORDS | st.binary(max_size=10)), max_size=5
).map(lambda pairs: b"&".join(name + b"=" + value for name, value in pairs))
"""A form."""

_PIECES: Final = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\n",
        b"POST /api/anything HTTP/1.1\r\n",
        b"GET /\xff\x00 HTTP/1.1\r\n",
        b"GET http://[::1/ HTTP/1.1\r\n",
        b"OPTIONS * HTTP/1.1\r\n",
        b"CONNECT a:b HTTP/1.1\r\n",
        b"GET / HTTP/9.9\r\n",
        b"GET /\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"Host: a\r\n",
        b"Host: a\r\nHost: b\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
        b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        b"Transfer-Encoding: \x0bchunked\r\n",
        b"Expect: 100-continue\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
        b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: \xff\r\n",
        b"Sec-WebSocket-Key: \xff\r\nSec-WebSocket-Version: 13\r\n",
        b" folded: header\r\n",
        b"No colon\r\n",
        b": no name\r\n",
        b"Na\xffme: x\r\n",
        b"\r\n",
        b"\n\n",
        b"0\r\n\r\n",
        b"5\r\nhello\r\n",
        b"ffffffffffffffffff\r\n",
        b"-5\r\nx\r\n",
        b"5;\xff=\xff\r\nhello\r\n",
        b"0\r\nTrailer: x\r\n\r\n",
    ]
)

_MANY: Final = st.builds(
    lambda piece, times: b"A: " + piece * times + b"\r\n", st.sampled_from([b"x", b"b\r\nA: "]), st.just(20_000)
)

garbled: st.SearchStrategy[bytes] = st.lists(_PIECES | _MANY | st.binary(max_size=10), min_size=1, max_size=8).map(
    b"".join
)
"""What is hardly HTTP."""
