"""Serving as an operator sees it: signals, workers, reload, and what is said about it."""

import asyncio
import http.client
import os
import signal
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.integration.serving.service import Service, ServiceOfBuilder, write_sample


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_sample(tmp_path)
    return tmp_path


def test_the_command_line_serves_and_sigterm_ends_it_cleanly(folder: Path) -> None:
    with Service(folder) as service:
        assert service.get("/api/hello")[1]["greeting"] == "hello"
        assert service.get("/api/v1/sys/readiness") == (200, {"status": "ready"})
        assert service.end() == 0
        listening = service.wait_for("listening")
        assert (listening["service"], listening["version"], listening["environment"]) == (
            "sample",
            "1.2.3",
            "production",
        )
        assert "Traceback" not in service.text


def test_the_builder_serves_as_well(folder: Path) -> None:
    with ServiceOfBuilder(folder) as service:
        assert service.get("/api/hello")[0] == 200
        assert service.end(signal.SIGINT) == 0


def test_the_drain_says_not_ready_keeps_serving_and_reports(folder: Path) -> None:
    with Service(folder, APP__SERVER__DRAIN_SECONDS="2") as service, ThreadPoolExecutor() as pool:
        assert service.get("/api/hello")[0] == 200
        slow = pool.submit(service.get, "/api/slow?seconds=3")
        while service.get("/api/v1/sys/health")[0] != 200:
            time.sleep(0.02)
        time.sleep(0.2)  # the slow request travels to the server while nothing tells us that it arrived
        service.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 1
        while service.get("/api/v1/sys/readiness")[0] != 503:
            assert time.monotonic() < deadline
        assert service.get("/api/v1/sys/liveness")[0] == 200
        assert service.get("/api/hello")[0] == 200
        assert slow.result() == (200, {"slept": 3.0})
        assert service.process.wait(20) == 0
        report = service.wait_for("drained")
        assert report["signal"] == "SIGTERM"
        assert report["in_flight"] == 1
        assert report["finished"] >= 3
        assert report["given_back"] == 0
        assert report["forced"] is False
        assert 2 <= report["drain_seconds"] < 4
        assert report["total_seconds"] < 10


@dataclass
class Load:
    """What 50 clients saw."""

    finished: int = 0
    failed: list[tuple[float, str]] = field(default_factory=list)


async def _client(address: tuple[str, int], load: Load, stop_at: asyncio.Event) -> None:
    """Keep a connection alive and ask, again and again; open another one when the server closes it."""
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    while not stop_at.is_set():
        began = time.monotonic()
        try:
            if streams is None:
                streams = await asyncio.open_connection(*address)
            reader, writer = streams
            writer.write(b"GET /api/slow?seconds=0.01 HTTP/1.1\r\nHost: test\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            load.finished += 1
            if b"connection: close" in head.lower():
                writer.close()
                streams = None
        except (OSError, AssertionError, asyncio.IncompleteReadError) as error:
            load.failed.append((began, repr(error)))
            if streams is not None:
                streams[1].close()
                streams = None
            await asyncio.sleep(0.01)
    if streams is not None:
        streams[1].close()


async def test_sigterm_under_load_fails_no_request_begun_before_the_end_of_the_drain(folder: Path) -> None:
    drain = 1.0
    with Service(folder, APP__SERVER__DRAIN_SECONDS=str(drain)) as service:
        address = await asyncio.to_thread(lambda: service.address)
        load, stop = Load(), asyncio.Event()
        async with asyncio.timeout(60), asyncio.TaskGroup() as clients:
            for _ in range(50):
                clients.create_task(_client(address, load, stop))
            while load.finished < 500:
                await asyncio.sleep(0.01)
            signalled = time.monotonic()
            service.process.send_signal(signal.SIGTERM)
            status = await asyncio.to_thread(service.process.wait, 20)
            stop.set()
        assert status == 0
        early = [failure for failure in load.failed if failure[0] < signalled + drain]
        assert early == []
        assert load.finished > 1000
        assert service.wait_for("drained")["given_back"] == 0


def test_what_outlasts_the_grace_period_is_given_back(folder: Path) -> None:
    environment = {"APP__SERVER__DRAIN_SECONDS": "0.1", "APP__SERVER__GRACE_SECONDS": "3"}
    with Service(folder, **environment) as service, ThreadPoolExecutor() as pool:
        assert service.get("/api/hello")[0] == 200
        endless = pool.submit(service.get, "/api/slow?seconds=60", timeout=30)
        time.sleep(0.3)  # the request travels to the server while nothing tells us that it arrived
        began = time.monotonic()
        service.end()
        assert time.monotonic() - began < 3.5
        assert service.wait_for("drained")["given_back"] == 1
        assert endless.exception() is not None or endless.result()[0] >= 500


def test_a_blocked_event_loop_does_not_outlast_the_grace_period(folder: Path) -> None:
    environment = {"APP__SERVER__DRAIN_SECONDS": "0.1", "APP__SERVER__GRACE_SECONDS": "2"}
    with Service(folder, **environment) as service, ThreadPoolExecutor() as pool:
        assert service.get("/api/hello")[0] == 200
        blocked = pool.submit(service.get, "/api/block?seconds=4", timeout=30)
        time.sleep(0.3)  # the request travels to the server while nothing tells us that it arrived
        assert service.end() == 1
        assert blocked.exception() is not None
        assert service.wait_for("stop took too long, ending the process")


def test_a_second_signal_forces_the_end(folder: Path) -> None:
    with Service(folder, APP__SERVER__DRAIN_SECONDS="8") as service:
        assert service.get("/api/hello")[0] == 200
        service.process.send_signal(signal.SIGTERM)
        while service.get("/api/v1/sys/readiness")[0] != 503:
            time.sleep(0.02)
        began = time.monotonic()
        service.end()
        assert time.monotonic() - began < 3


def test_a_task_that_fails_unseen_is_one_line_of_the_log(tmp_path: Path) -> None:
    package = write_sample(tmp_path)
    route = """@router.get("/forget")
async def forget() -> None:
    async def fail() -> None:
        raise RuntimeError("forgotten")

    asyncio.create_task(fail())
    await asyncio.sleep(0)


"""
    (package / "app.py").write_text((package / "app.py").read_text().replace("class App(", f"{route}class App("))
    with Service(tmp_path) as service:
        service.get("/api/forget")
        service.get("/api/hello")
        deadline = time.monotonic() + 10
        while "forgotten" not in service.text:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert service.end() == 0
        assert sum("forgotten" in line for line in service.text.splitlines()) == 1


def test_ctrl_c_does_not_wait_for_an_orchestrator(folder: Path) -> None:
    with Service(folder, APP__SERVER__DRAIN_SECONDS="8") as service:
        assert service.get("/api/hello")[0] == 200
        began = time.monotonic()
        assert service.end(signal.SIGINT) == 0
        assert time.monotonic() - began < 4


def _pids(service: Service, count: int) -> set[int]:
    """Ask until `count` different processes answered."""
    pids: set[int] = set()
    deadline = time.monotonic() + 30
    while len(pids) < count:
        assert time.monotonic() < deadline, f"{pids}\n{service.text}"
        try:
            pids.add(service.get("/api/hello")[1]["pid"])
        except OSError:
            time.sleep(0.05)
    return pids


def test_workers_are_processes_that_are_replaced_when_they_die(folder: Path) -> None:
    with Service(folder, "--workers", "2") as service:
        service.wait_for("listening", count=2)
        pids = _pids(service, 2)
        victim = pids.pop()
        os.kill(victim, signal.SIGKILL)
        service.wait_for("listening", count=3)
        assert victim not in _pids(service, 2)
        children = psutil.Process(service.process.pid).children(recursive=True)
        assert service.end() == 0
        assert len(service.events("drained")) == 2
        _, alive = psutil.wait_procs(children, timeout=5)
        assert not alive


def test_workers_do_not_outlive_their_supervisor(folder: Path) -> None:
    with Service(folder, "--workers", "2") as service:
        service.wait_for("listening", count=2)
        children = psutil.Process(service.process.pid).children(recursive=True)
        service.process.kill()
        service.process.wait()
        _, alive = psutil.wait_procs(children, timeout=15)
        assert not alive


def test_a_worker_that_cannot_start_ends_them_all(tmp_path: Path) -> None:
    package = write_sample(tmp_path)
    module = (package / "app.py").read_text()
    (package / "app.py").write_text(
        module.replace(
            "    def configure(self)",
            "    async def on_startup(self):\n        raise RuntimeError('no start')\n\n    def configure(self)",
        )
    )
    with Service(tmp_path, "--workers", "2") as service:
        assert service.process.wait(30) not in (0, None)
        assert "no start" in service.text


def test_a_failing_stop_is_told_and_is_no_clean_end(tmp_path: Path) -> None:
    package = write_sample(tmp_path)
    module = (package / "app.py").read_text()
    stop = "    async def on_shutdown(self):\n        raise RuntimeError('no stop')\n\n    def configure(self)"
    (package / "app.py").write_text(module.replace("    def configure(self)", stop))
    with Service(tmp_path) as service:
        service.wait_for("listening")
        assert service.end() == 1
        assert service.wait_for("application failed")["phase"] == "shutdown"


def test_reload_serves_what_was_just_written(tmp_path: Path) -> None:
    package = write_sample(tmp_path)
    with Service(tmp_path, "--reload") as service:
        assert service.get("/api/hello")[1]["greeting"] == "hello"
        module = (package / "app.py").read_text()
        (package / "app.py").write_text(module.replace('"greeting": "hello"', '"greeting": "goodbye"'))
        service.wait_for("listening", count=2)
        assert service.get("/api/hello")[1]["greeting"] == "goodbye"
        assert service.end() == 0


@pytest.fixture
def certificate(folder: Path) -> Path:
    """A self-signed certificate of 127.0.0.1; its key is beside it."""
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*make.split(), *files], check=True, capture_output=True)
    return folder / "cert.pem"


def _get_with_tls(service: Service, context: ssl.SSLContext) -> int:
    host, port = service.address
    connection = http.client.HTTPSConnection(host, port, context=context, timeout=10)
    try:
        connection.request("GET", "/api/hello")
        return connection.getresponse().status
    finally:
        connection.close()


def test_tls_is_served(folder: Path, certificate: Path) -> None:
    key = str(certificate.with_name("key.pem"))
    with Service(folder, APP__SERVER__SSL_CERTFILE=str(certificate), APP__SERVER__SSL_KEYFILE=key) as service:
        assert service.wait_for("listening")["url"].startswith("https://")
        assert _get_with_tls(service, ssl.create_default_context(cafile=certificate)) == 200


def test_with_authorities_a_client_needs_a_certificate(folder: Path, certificate: Path) -> None:
    key = str(certificate.with_name("key.pem"))
    environment = {"APP__SERVER__SSL_CERTFILE": str(certificate), "APP__SERVER__SSL_KEYFILE": key}
    with Service(folder, **environment, APP__SERVER__SSL_CA_CERTS=str(certificate)) as service:
        context = ssl.create_default_context(cafile=certificate)
        with pytest.raises(OSError):  # noqa: PT011 - a TLS alert or a reset, as the race has it
            _get_with_tls(service, context)
        context.load_cert_chain(certificate, key)
        assert _get_with_tls(service, context) == 200
