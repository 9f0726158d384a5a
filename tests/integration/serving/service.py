"""A service in a process of its own, as an operator would run it."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

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
  drain_seconds: 0.5
  grace_seconds: 10
"""

_MODULE = """
import asyncio
import os
import time

from fastapi import APIRouter

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig

router = APIRouter()


@router.get("/hello")
async def hello() -> dict[str, object]:
    return {"pid": os.getpid(), "greeting": "hello"}


@router.get("/slow")
async def slow(seconds: float) -> dict[str, float]:
    await asyncio.sleep(seconds)
    return {"slept": seconds}


@router.get("/block")
async def block(seconds: float) -> dict[str, float]:
    time.sleep(seconds)
    return {"blocked": seconds}


class App(ApplicationAbstract[RootConfig]):
    PACKAGE_NAME = "sample"

    def configure(self) -> None:
        self.get_asgi_app().include_router(router, prefix="/api")


class AppBuilder(ApplicationGenericBuilder[App]):
    pass


if __name__ == "__main__":
    AppBuilder().build_and_serve()
"""


def write_sample(folder: Path, *, yaml: str = _YAML, module: str = _MODULE) -> Path:
    """Write the package `sample` and return its folder."""
    package = folder / "sample"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "app.py").write_text(module)
    (package / "application.yaml").write_text(yaml)
    return package


class Service:
    """A running service: what it prints, where it listens, how it ends."""

    command: tuple[str, ...] = (sys.executable, "-m", "fastapi_factory_utilities", "serve", "sample.app:AppBuilder")

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        command = [*self.command, *arguments]
        self.output = folder / f"output-{time.monotonic_ns()}.log"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(folder), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.send_signal(signal.SIGCONT)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if exc is not None:
            sys.stderr.write(self.text)

    @property
    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of one event so far."""
        found = []
        for line in self.text.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and entry.get("event") == name:
                found.append(entry)
        return found

    def wait_for(self, name: str, *, count: int = 1, seconds: float = 30) -> dict[str, Any]:
        """Wait for an event and return the last one."""
        deadline = time.monotonic() + seconds
        while len(found := self.events(name)) < count:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"no {name!r} (x{count}) within {seconds} s:\n{self.text}")
            time.sleep(0.02)
        return found[-1]

    @property
    def address(self) -> tuple[str, int]:
        url = urlsplit(self.wait_for("listening")["url"])
        assert url.hostname
        assert url.port
        return url.hostname, url.port

    def get(self, path: str, *, timeout: float = 10) -> tuple[int, Any]:
        """GET on a connection of its own."""
        return self.ask("GET", path, timeout=timeout)

    def ask(self, method: str, path: str, body: object = None, *, timeout: float = 10) -> tuple[int, Any]:
        """Send JSON on a connection of its own, and return the status and the JSON of the answer."""
        connection = http.client.HTTPConnection(*self.address, timeout=timeout)
        try:
            given = {} if body is None else {"body": json.dumps(body), "headers": {"Content-Type": "application/json"}}
            connection.request(method, path, **given)  # type: ignore[arg-type]  # body and headers as they should be
            response = connection.getresponse()
            answer = response.read()
            return response.status, json.loads(answer) if answer else None
        finally:
            connection.close()

    def wait_until(self, path: str, status: int, *, seconds: float) -> Any:
        """Ask until the answer has this status, and return its body; fail when it takes longer than it may."""
        deadline = time.monotonic() + seconds
        while (answer := self.get(path))[0] != status:
            if time.monotonic() > deadline:
                raise AssertionError(f"{path} is {answer} and not {status} within {seconds} s:\n{self.text}")
            time.sleep(0.02)
        return answer[1]

    def end(self, number: int = signal.SIGTERM, *, seconds: float = 20) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(seconds)


class ServiceOfBuilder(Service):
    """The same, started by the builder itself."""

    command = (sys.executable, "-m", "sample.app")
