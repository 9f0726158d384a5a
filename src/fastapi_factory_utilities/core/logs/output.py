"""Whole lines to standard output, whatever becomes of it."""

import os
import select
import sys
import threading
from time import monotonic, sleep
from typing import Final, TextIO

__all__ = ["STDERR", "STDOUT", "Output"]

_PATIENCE_SECONDS: Final = 0.1  # with an output that takes nothing; whoever logs waits
_PAUSE_SECONDS: Final = 0.001


class Output:
    """Writes one line at a time, with one `write(2)`, past Python's buffers.

    Threads never tear each other's lines. Processes that share a file or a terminal do not either; on a shared pipe
    this holds for lines up to `PIPE_BUF` (4096 octets on Linux), as POSIX promises for `write`.

    A dead output (closed, disk full, reader gone) costs its lines and never raises.

    Args:
        name: `stdout` or `stderr`; looked up in `sys` at each line, as a test may have put something else there.

    Attributes:
        lost: How many lines could not be written since somebody set it to zero.
    """

    def __init__(self, name: str) -> None:
        self.lost: int = 0
        self._name = name
        self._file: TextIO | None = None
        self._descriptor = -1
        self._torn = False  # the last line was written in part
        self.renew_lock()

    def renew_lock(self) -> None:
        """Take a new lock: after a fork nobody would release the old one."""
        self._lock = threading.Lock()

    @property
    def is_terminal(self) -> bool:
        """Whether a person is looking."""
        try:
            return bool(getattr(sys, self._name).isatty())
        except (AttributeError, ValueError):  # there is none, or it is closed
            return False

    def write(self, line: str) -> bool:
        """Write a line, adding its end; say whether that succeeded."""
        try:
            data = f"{line}\n".encode()
            with self._lock:
                if getattr(sys, self._name) is not self._file:
                    self._turn_to(getattr(sys, self._name))
                if self._descriptor < 0:
                    self._write_to_object(data)
                elif self._torn:
                    self._insist(b"\n" + data, 0)
                else:
                    try:
                        written = os.write(self._descriptor, data)
                    except BlockingIOError:
                        written = 0
                    if written != len(data):
                        self._insist(data, written)
        except (OSError, ValueError, AttributeError):  # dead, closed, or there is none
            self.lost += 1
            return False
        return True

    def _turn_to(self, file: TextIO) -> None:
        """Use the descriptor of the process's own file, and any other object by its methods."""
        own = file is getattr(sys, f"__{self._name}__")
        self._descriptor = file.fileno() if own else -1
        self._file = file

    def _write_to_object(self, data: bytes) -> None:
        if self._file is not None:
            self._file.write(data.decode())
            self._file.flush()

    def _insist(self, data: bytes, written: int) -> None:
        """Write the rest: the disk may be almost full, or somebody made the pipe that we share non-blocking."""
        writable = select.poll()
        writable.register(self._descriptor, select.POLLOUT)
        deadline = monotonic() + _PATIENCE_SECONDS
        self._torn = self._torn or written > 0
        while written < len(data):
            if not writable.poll(max(0, deadline - monotonic()) * 1000):
                raise TimeoutError
            try:
                written += os.write(self._descriptor, data[written:])
            except BlockingIOError:
                sleep(_PAUSE_SECONDS)  # there is room, but not enough for one write
            self._torn = written < len(data)


STDOUT: Final = Output("stdout")
STDERR: Final = Output("stderr")

for _output in (STDOUT, STDERR):
    os.register_at_fork(after_in_child=_output.renew_lock)
