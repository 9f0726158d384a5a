"""What strangers may do to a service as it ships: bytes on a socket, and what comes back."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.integration.serving.service import Service, write_sample

_YAML = """
application:
  service_namespace: tests
  service_name: sample
  description: A sample.
  version: 1.2.3
  environment: production
server:
  host: 127.0.0.1
  port: 0
  drain_seconds: 0.1
  max_body_bytes: 100000
  timeout_receive_seconds: 1
  forwarded_allow_ips: 127.0.0.2
  allowed_hosts: [sample.example, "*.sample.example"]
rate_limits:
  routes: {"GET /api/tuned": 1/minute}
"""
_MODULE = """
from typing import Any

from fastapi import APIRouter, Request, WebSocket

from fastapi_factory_utilities.core.api.rate_limits import rate_limit
from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig

router = APIRouter()


@router.get("/hello")
@router.post("/hello")
async def hello(request: Request) -> dict[str, Any]:
    return {"bytes": len(await request.body()), "client": request.client.host, "scheme": request.url.scheme}


@router.post("/json")
async def echo(body: dict[str, Any]) -> dict[str, Any]:
    return body


@router.get("/limited", dependencies=[rate_limit("2/minute")])
@router.get("/tuned", dependencies=[rate_limit("100/minute")])
async def limited() -> str:
    return "here you are"


@router.websocket("/live")
async def live(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


class App(ApplicationAbstract[RootConfig]):
    PACKAGE_NAME = "sample"

    def configure(self) -> None:
        self.get_asgi_app().include_router(router, prefix="/api")


class AppBuilder(ApplicationGenericBuilder[App]):
    pass
"""
_HOST = b"Host: sample.example\r\n"
_PROXY = "127.0.0.2"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("hardening")
    write_sample(folder, yaml=_YAML, module=_MODULE)
    with Service(folder) as service:
        yield service
    assert "Traceback" not in service.text
    assert service.process.returncode == 0


def send(service: Service, *pieces: bytes, pause: float = 0.0, source: str = "127.0.0.1") -> bytes:
    """Send bytes on a connection of their own, and return all that comes back until the service closes it."""
    with closing(socket.create_connection(service.address, timeout=10, source_address=(source, 0))) as line:
        received = bytearray()
        try:
            for piece in pieces:
                line.sendall(piece)
                time.sleep(pause)
            while data := line.recv(65536):
                received += data
        except (BrokenPipeError, ConnectionResetError):
            pass  # it was closed while we went on
        return bytes(received)


def ask(
    service: Service,
    start: bytes,
    *headers: bytes,
    body: bytes = b"",
    host: bytes = _HOST,
    source: str = "127.0.0.1",
) -> bytes:
    """Send one request, as the last of its connection."""
    lines = b"".join(header + b"\r\n" for header in headers)
    return send(service, start + b" HTTP/1.1\r\n" + host + lines + b"Connection: close\r\n\r\n" + body, source=source)


def status_of(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer
    return int(answer[9:12])


def headers_of(answer: bytes) -> dict[str, str]:
    head = answer.partition(b"\r\n\r\n")[0].decode()
    return dict(line.lower().partition(": ")[::2] for line in head.split("\r\n")[1:])


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"X-Large: " + b"x" * 40_000 + b"\r\n", id="one header of 40 KB"),
        pytest.param(b"".join(b"X-%d: %s\r\n" % (number, b"x" * 600) for number in range(60)), id="60 of 600 bytes"),
        pytest.param(b"".join(b"X-%d: x\r\n" % number for number in range(101)), id="101 headers"),
    ],
)
@pytest.mark.parametrize("upgrade", [b"", b"Connection: upgrade\r\nUpgrade: websocket\r\n"], ids=["http", "websocket"])
def test_a_head_that_is_too_large_is_a_431(service: Service, head: bytes, upgrade: bytes) -> None:
    answer = send(service, b"GET /api/live HTTP/1.1\r\n" + _HOST + upgrade + head + b"\r\n")

    assert status_of(answer) == 431
    assert headers_of(answer)["content-type"] == "application/problem+json"
    assert headers_of(answer)["connection"] == "close"


@pytest.mark.parametrize("piece", [b"x" * 8192, b"X-Some: x\r\n" * 800], ids=["one header", "many"])
def test_a_head_without_an_end_is_given_up(service: Service, piece: bytes) -> None:
    began = time.monotonic()
    start = b"GET /api/hello HTTP/1.1\r\n" + _HOST + (b"X-Endless: " if piece.startswith(b"x") else b"")

    answer = send(service, start, *[piece] * 200)

    assert not answer or status_of(answer) == 431  # empty: we were still sending when it was closed
    assert time.monotonic() - began < 5


def test_a_head_as_large_as_it_may_be_is_served_in_one_piece_or_many(service: Service) -> None:
    head = b"GET /api/hello HTTP/1.1\r\nConnection: close\r\n" + _HOST
    head += b"".join(b"X-%d: %s\r\n" % (number, b"x" * 300) for number in range(90)) + b"\r\n"

    assert status_of(send(service, head)) == 200
    assert (
        status_of(send(service, *(head[start : start + 2000] for start in range(0, len(head), 2000)), pause=0.01))
        == 200
    )


def test_a_large_body_before_the_next_head_does_not_count_for_it(service: Service) -> None:
    body = b"x" * 60_000
    first = b"POST /api/hello HTTP/1.1\r\n" + _HOST + b"Content-Length: 60000\r\n\r\n" + body
    second = b"GET /api/hello HTTP/1.1\r\n" + _HOST + b"Connection: close\r\n\r\n"

    answer = send(service, first + second[:10], second[10:20], second[20:30], second[30:], pause=0.05)

    assert answer.count(b"HTTP/1.1 200") == 2


def test_who_keeps_the_service_waiting_is_not_waited_for(service: Service) -> None:
    post = b"POST /api/hello HTTP/1.1\r\nConnection: close\r\n" + _HOST
    with ThreadPoolExecutor() as clients:
        nothing = clients.submit(send, service)
        half_a_head = clients.submit(send, service, b"GET /api/hello HTTP/1.1\r\nHost:")
        dripping_head = clients.submit(send, service, post, *[b"X-A: b\r\n"] * 12, pause=0.2)
        half_a_body = clients.submit(send, service, post + b"Content-Length: 10\r\n\r\nhalf")
        # Takes longer than the time that each part has.
        steady_body = clients.submit(send, service, post + b"Content-Length: 4\r\n\r\n", *[b"x"] * 4, pause=0.55)

    assert nothing.result() == b""
    assert status_of(half_a_head.result()) == 408
    assert not dripping_head.result() or status_of(dripping_head.result()) == 408  # empty: closed while we sent more
    assert status_of(half_a_body.result()) == 408
    assert status_of(steady_body.result()) == 200


@pytest.mark.parametrize("method", [b"POST", b"GET"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_a_413_whatever_the_method(service: Service, method: bytes, chunked: bool) -> None:
    body = b"x" * 100_001
    if chunked:
        announced, body = b"Transfer-Encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    else:
        announced = b"Content-Length: 100001"

    assert status_of(ask(service, method + b" /api/hello", announced, body=body)) == 413


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param((b"Content-Length: 3", b"Content-Length: 4"), id="two lengths"),
        pytest.param((b"Content-Length: 3", b"Transfer-Encoding: chunked"), id="length and chunks"),
        pytest.param((b"Content-Length: -1",), id="negative length"),
        pytest.param((b"Content-Length: 0x3",), id="hexadecimal length"),
        pytest.param((b"Transfer-Encoding: chunked, identity",), id="chunks not last"),
        pytest.param((b"X-A : b",), id="space before the colon"),
        pytest.param((b"X-A: b", b" folded"), id="folded line"),
        pytest.param((b"X-A: a\x00b",), id="null in a value"),
        pytest.param((b"X-A: a\rX-B: b",), id="bare carriage return"),
    ],
)
def test_what_two_servers_could_read_differently_is_refused(service: Service, headers: tuple[bytes, ...]) -> None:
    answer = ask(service, b"POST /api/hello", *headers, body=b"0\r\n\r\n")

    assert status_of(answer) == 400
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        (b"Host: sample.example\r\n", 200),
        (b"Host: SAMPLE.example.:8080\r\n", 200),
        (b"Host: deep.below.sample.example\r\n", 200),
        (b"Host: evil.example\r\n", 421),
        (b"Host: evilsample.example\r\n", 421),
        (b"Host: sample.example.evil\r\n", 421),
        (b"Host: sample.example@evil\r\n", 400),
        (b"Host: \r\n", 400),
        (b"", 400),
        (_HOST + b"Host: evil.example\r\n", 400),
    ],
)
def test_only_allowed_hosts_are_served(service: Service, hosts: bytes, status: int) -> None:
    answer = ask(service, b"GET /api/hello", host=hosts)

    assert status_of(answer) == status


def test_probes_that_know_only_an_address_are_answered(service: Service) -> None:
    assert status_of(ask(service, b"GET /api/v1/sys/liveness", host=b"Host: 10.0.0.7:8000\r\n")) == 200


def test_forwarded_headers_are_believed_of_a_trusted_proxy_alone(service: Service) -> None:
    forged = (b"X-Forwarded-For: 192.0.2.1, 203.0.113.9", b"X-Forwarded-Proto: https")
    of_proxy = ask(service, b"GET /api/hello", *forged, source=_PROXY)
    of_stranger = ask(service, b"GET /api/hello", *forged)

    # The last address is what the proxy saw; what stands before it anybody may have written.
    assert json.loads(of_proxy.partition(b"\r\n\r\n")[2]) == {"bytes": 0, "client": "203.0.113.9", "scheme": "https"}
    assert json.loads(of_stranger.partition(b"\r\n\r\n")[2]) == {"bytes": 0, "client": "127.0.0.1", "scheme": "http"}
    assert "strict-transport-security" in headers_of(of_proxy)
    assert "strict-transport-security" not in headers_of(of_stranger)


@pytest.mark.parametrize("path", [b"/api/hello", b"/nowhere", b"/api/json"])
def test_every_answer_tells_browsers_to_do_nothing_with_it(service: Service, path: bytes) -> None:
    headers = headers_of(ask(service, b"GET " + path, b"X-Forwarded-Proto: https", source=_PROXY))

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert "server" not in headers
    assert not any(name.startswith("access-control-") for name in headers)


@pytest.mark.parametrize("path", [b"/docs", b"/redoc", b"/openapi.json", b"/docs/assets/swagger-ui.css", b"/_dev"])
def test_there_are_no_documents_outside_development(service: Service, path: bytes) -> None:
    assert status_of(ask(service, b"GET " + path)) == 404


def test_no_other_origin_is_allowed_anything_unless_configured(service: Service) -> None:
    preflight = ask(
        service, b"OPTIONS /api/json", b"Origin: https://evil.example", b"Access-Control-Request-Method: POST"
    )

    assert status_of(preflight) == 405
    assert not any(name.startswith("access-control-") for name in headers_of(preflight))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((), 200),
        ((b"Cookie: session=1",), 200),
        ((b"Cookie: session=1", b"Sec-Fetch-Site: same-origin", b"Origin: https://sample.example"), 200),
        ((b"Cookie: session=1", b"Origin: https://sample.example"), 200),
        ((b"Cookie: session=1", b"Sec-Fetch-Site: cross-site", b"Origin: https://evil.example"), 403),
        ((b"Cookie: session=1", b"Sec-Fetch-Site: same-site", b"Origin: https://www.sample.example"), 403),
        ((b"Cookie: session=1", b"Origin: null"), 403),
        ((b"Cookie: session=1", b"Origin: https://evil.example"), 403),
        ((b"Sec-Fetch-Site: same-origin", b"Sec-Fetch-Site: cross-site", b"Origin: https://evil.example"), 403),
    ],
)
def test_pages_of_other_sites_change_nothing(service: Service, headers: tuple[bytes, ...], status: int) -> None:
    assert status_of(ask(service, b"POST /api/hello", *headers)) == status


def test_pages_of_other_sites_open_no_websocket(service: Service) -> None:
    host, port = service.address
    with (
        socket.create_connection((host, port)) as line,
        pytest.raises(InvalidStatus) as refused,
        connect("ws://sample.example/api/live", sock=line, origin=Origin("https://evil.example")),
    ):
        pass
    assert refused.value.response.status_code == 403


def test_a_websocket_message_that_is_too_large_ends_the_session_with_1009(service: Service) -> None:
    host, port = service.address
    with (
        socket.create_connection((host, port)) as line,
        connect("ws://sample.example/api/live", sock=line, max_size=None) as session,
    ):
        session.send("x" * 1024 * 1024)
        assert len(session.recv(timeout=10)) == 1024 * 1024
        session.send("x" * (1024 * 1024 + 1))
        with pytest.raises(ConnectionClosedError) as closed:
            session.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize(
    "body", [b'{"a":1,"a":2}', b'{"a":{"b":1,"\\u0062":2}}', b'{"a":NaN}', b'{"a":' * 300 + b"1" + b"}" * 300]
)
def test_json_that_two_programs_could_read_differently_is_a_422(service: Service, body: bytes) -> None:
    answer = ask(
        service, b"POST /api/json", b"Content-Type: application/json", b"Content-Length: %d" % len(body), body=body
    )

    assert status_of(answer) == 422


def test_a_client_that_asks_too_often_is_told_when_to_come_again(service: Service) -> None:
    client, another = b"X-Forwarded-For: 198.51.100.1", b"X-Forwarded-For: 198.51.100.2"
    answers = [ask(service, b"GET /api/limited", client, source=_PROXY) for _ in range(3)]
    other = ask(service, b"GET /api/limited", another, source=_PROXY)
    tuned = [status_of(ask(service, b"GET /api/tuned", client, source=_PROXY)) for _ in range(2)]

    assert [status_of(answer) for answer in answers] == [200, 200, 429]
    assert 1 <= int(headers_of(answers[2])["retry-after"]) <= 60
    assert headers_of(answers[2])["content-type"] == "application/problem+json"
    assert status_of(other) == 200
    assert tuned == [200, 429]
