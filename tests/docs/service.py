"""A service that a page starts: what it says, where it is, how it ends."""

import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["RunningService"]

_SECONDS = 20.0
_POLL_SECONDS = 0.05
_LISTENS = re.compile(r"listening\b.*https?://[\w.]+:(\d+)")
_PORT = re.compile(r"(APP__SERVER__PORT=|--port[ =])\d+")


class RunningService:
    """A service in a process of its own.

    Args:
        command: How it is started.
        folder: Where.
        environment: With what.
    """

    def __init__(self, command: str, folder: Path, environment: dict[str, str]) -> None:
        self._log = folder / f".service-{time.monotonic_ns()}.log"
        self._seen = 0
        command = _PORT.sub(r"\g<1>0", command.removesuffix("&").strip())
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S602 - the pages are ours
                f"exec env {command}",
                shell=True,
                executable="/bin/bash",
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

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

    def wait_until_it_serves_or_ended(self) -> int:
        """Return 0 when it listens, or the exit status."""
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                return self._process.returncode
            if _LISTENS.search(self.text):
                return 0
            time.sleep(_POLL_SECONDS)
        raise AssertionError(f"the service does not listen after {_SECONDS:g} s, it says:\n{self.text}")

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

    def close(self) -> None:
        """End it without ado."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
