"""What a page starts in the background, a service, a worker or a scheduler: what it says, where it is, how it ends."""

import re
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.docs.shown import missing_lines

__all__ = ["RunningService", "one_has_said"]

_SECONDS = 20.0
_POLL_SECONDS = 0.05
_LISTENS = re.compile(r"listening\b.*https?://[\w.]+:(\d+)")
_RUNS = re.compile(r"\brunning\b.*\brole\b")
_PORT = re.compile(r"(APP__SERVER__PORT=|--port[ =]|--health-port[ =])(\d+)")
_ANSWERS_NOTHING = re.compile(r" (worker|scheduler) ")


class RunningService:
    """A process in the background, once it was started.

    Args:
        command: How it is started.
        folder: Where.
    """

    def __init__(self, command: str, folder: Path) -> None:
        self._log = folder / f".service-{time.monotonic_ns()}.log"
        self._command = command.removesuffix("&").strip()
        self._folder = folder

    def start(self, environment: dict[str, str]) -> None:
        """Start it."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S602 - the pages are ours
                f"exec env {_PORT.sub(r'\g<1>0', self._command)}",
                shell=True,
                executable="/bin/bash",
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def answers(self) -> bool:
        """Whether it is there to answer requests."""
        return not _ANSWERS_NOTHING.search(self._command)

    def is_like(self, other: "RunningService") -> bool:
        """Whether it was started by the same command."""
        return self._command == other._command

    @property
    def shown_port(self) -> str | None:
        """The port that the page believes it has."""
        found = _PORT.search(self._command)
        return found[2] if found else "8000" if self.answers else None

    @property
    def text(self) -> str:
        """All that it said."""
        return self._log.read_text(errors="replace")

    @property
    def port(self) -> int:
        """Where it listens."""
        found = _LISTENS.search(self.text)
        assert found, f"the service does not listen, it says:\n{self.text}"
        return int(found.group(1))

    @property
    def status(self) -> int:
        """How it ended."""
        return self._process.wait(_SECONDS)

    def wait_until_it_runs_or_ended(self) -> int:
        """Return 0 when it listens, or does its work without that; or the exit status."""
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                return self._process.returncode
            if _LISTENS.search(self.text) or _RUNS.search(self.text):
                return 0
            time.sleep(_POLL_SECONDS)
        raise AssertionError(f"the service has not started after {_SECONDS:g} s, it says:\n{self.text}")

    def wait_until_said(self, missing: Callable[[str], str | None]) -> str | None:
        """Wait until nothing is missing in what it said; return what still is after the deadline."""
        deadline = time.monotonic() + _SECONDS
        while (found := missing(self.text)) is not None and time.monotonic() < deadline:
            if self._process.poll() is not None:
                return missing(self.text)
            time.sleep(_POLL_SECONDS)
        return found

    def send(self, name: str) -> None:
        """Send it a signal, such as `TERM`."""
        self._process.send_signal(signal.Signals[f"SIG{name.removeprefix('SIG')}"])

    def end(self, name: str) -> int:
        """Send it a signal, and return the status with which it ends."""
        self.send(name)
        return self.status

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it without ado."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def one_has_said(services: Sequence[RunningService], expected: str) -> str | None:
    """Wait until one of them has said all lines, in order; return what is missing in the newest after the deadline."""

    def missing(_: str) -> str | None:
        found: str | None = None
        for service in services:
            found = missing_lines(expected, service.text)
            if found is None:
                return None
        return found

    return max(services, key=lambda service: service.is_running).wait_until_said(missing)
