"""Server processes to measure: started on a free port, waited for, and asked for their CPU and memory."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

__all__ = ["Server", "free_port", "tree_cpu_seconds", "uvicorn_command"]

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on right now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def uvicorn_command(target: str, *, factory: bool = True) -> list[str]:
    """Return the command that serves `module:name` with uvloop and httptools and without access log.

    `{port}` in it is filled in by `Server`.
    """
    options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    options += ["--timeout-keep-alive", "120"]  # while the others are measured, nobody asks this one
    return [
        sys.executable,
        "-m",
        "uvicorn",
        target,
        "--host",
        "127.0.0.1",
        "--port",
        "{port}",
        *options,
        *(["--factory"] if factory else []),
    ]


class Server:
    """A server process for as long as the `with` block lasts; what it prints is thrown away, its errors are not.

    Args:
        command: What to start; `{port}` in an argument becomes the port.
        environment: Variables to add.
        ready_within: Seconds it may take to accept connections.
    """

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None, ready_within: float = 30.0
    ) -> None:
        self.port = free_port()
        self._command = [part.replace("{port}", str(self.port)) for part in command]
        self._environment = {**os.environ, **(environment or {})}
        self._ready_within = ready_within

    def __enter__(self) -> Self:
        self._started_at = time.monotonic()
        self._process = psutil.Popen(
            self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=ROOT
        )
        deadline = time.monotonic() + self._ready_within
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__(None, None, None)
                    raise RuntimeError(f"not listening: {' '.join(self._command)}") from error
                time.sleep(0.01)
            else:
                return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except psutil.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    @property
    def pid(self) -> int:
        """The process that was started."""
        return int(self._process.pid)

    def cpu_seconds(self) -> float:
        """Return user + system time of the whole process tree so far, ended children included."""
        return tree_cpu_seconds(psutil.Process(self.pid))

    def resident_bytes(self) -> int:
        """Return the resident memory of the whole process tree."""
        return sum(process.memory_info().rss for process in self._tree())

    def _tree(self) -> list[psutil.Process]:
        root = psutil.Process(self.pid)
        return [root, *root.children(recursive=True)]


def tree_cpu_seconds(root: psutil.Process) -> float:
    """Return user + system time of a process and its children so far, ended children included."""
    return sum(_cpu(process) for process in [root, *root.children(recursive=True)])


def _cpu(process: psutil.Process) -> float:
    # psutil rounds to clock ticks (10 ms). The kernel's CPU clock of another process counts nanoseconds, its ended
    # threads included; the number is what clock_getcpuclockid(3) makes of a pid.
    own: float = (
        time.clock_gettime((~process.pid << 3) | 2) if sys.platform == "linux" else sum(process.cpu_times()[:2])
    )
    ended_children: float = sum(process.cpu_times()[2:4])
    return own + ended_children
