"""A real service under uvicorn, in a process of its own: what its standard output holds."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

SERVICE = """
import sys, uvicorn
from fastapi import FastAPI
from fastapi_factory_utilities.core.logs import AccessLog, configure_logging, get_logger
from fastapi_factory_utilities.core.redaction import register_secrets

register_secrets(["hunter2-canary"])
configure_logging(sys.argv[1])
app = FastAPI()
log = get_logger("service")

@app.get("/books/{book_id}")
async def read(book_id: str):
    log.info("book read", book_id=book_id)
    return book_id

@app.get("/failing")
async def fail():
    def deeper(count):
        if count:
            deeper(count - 1)
        raise ConnectionError("cannot reach mongodb://root:hunter2-canary@db as hunter2-canary")
    deeper(200)

application = AccessLog(app)
config = uvicorn.Config(application, log_config=None, access_log=False)
listener = __import__("socket").socket(fileno=int(sys.argv[2]))
uvicorn.Server(config).run(sockets=[listener])
"""


@contextmanager
def serving(mode: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.set_inheritable(True)
        command = [sys.executable, "-c", SERVICE, mode, str(listener.fileno())]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=[listener.fileno()]
        ) as process:
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}", process
            finally:
                process.kill()


def visit(mode: str) -> tuple[str, str]:
    """Ask a service a few things, stop it, and give what it wrote to both outputs."""
    with (
        serving(mode) as (url, process),
        httpx.Client(base_url=url, timeout=30, headers={"Connection": "close"}) as client,
    ):
        assert client.get("/books/42").status_code == 200  # the listener queues it until the service accepts
        assert client.get("/failing").status_code == 500
        assert client.get("/books/hunter2-canary?q=hunter2-canary").status_code == 200
        with socket.create_connection(("127.0.0.1", client.base_url.port or 0)) as nonsense:
            nonsense.sendall(b"this is not HTTP\r\n\r\n")
            nonsense.recv(1024)
        process.send_signal(signal.SIGTERM)
        return process.communicate(timeout=30)


def test_everything_is_json_uvicorns_own_lines_included() -> None:
    out, err = visit("json")
    assert err == ""
    told = [json.loads(line) for line in out.splitlines()]
    assert all(list(line)[:4] == ["timestamp", "level", "logger", "event"] for line in told)
    own = [line["event"] for line in told if line["logger"] == "uvicorn.error"]
    assert "Application startup complete." in own
    assert "Invalid HTTP request received." in own
    assert any(event.startswith("Finished server process") for event in own)
    access = [(line["path"], line["route"], line["status"]) for line in told if line["logger"] == "access"]
    assert access == [
        ("/books/42", "/books/{book_id}", 200),
        ("/failing", "/failing", 500),
        ("/books/***", "/books/{book_id}", 200),
    ]
    assert "canary" not in out


def test_an_unhandled_exception_is_told_once_in_one_line_of_json() -> None:
    out, _ = visit("json")
    told = [line for line in map(json.loads, out.splitlines()) if "exception" in line]
    (line,) = told
    assert (line["level"], line["event"]) == ("error", "Exception in ASGI application")
    assert line["exception"]["type"] == "ConnectionError"
    assert line["exception"]["message"] == "cannot reach mongodb://root:***@db as ***"
    frames = line["exception"]["frames"]
    assert len(frames) <= 25
    assert any(re.fullmatch(r"\.\.\. \d+ frames of .*starlette.*", frame) for frame in frames)


def test_the_console_tells_the_same_to_a_person() -> None:
    out, err = visit("console")
    assert err == ""
    assert "canary" not in out
    lines = out.splitlines()
    first = next(index for index, line in enumerate(lines) if "Exception in ASGI application" in line)
    length = next(count for count, line in enumerate(lines[first + 1 :], 1) if not line.startswith(" "))
    assert 3 < length <= 100
    assert all(re.match(r"\d\d:\d\d:\d\d\.\d{3} [A-Z]+ |    ", line) for line in lines)
