"""Ends a server when whoever started it is gone, however it went."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

__all__ = ["Guardian"]

# Waits on a pipe that only its parent holds open: the kernel closes it however the parent ends, `kill -9` included.
# (Linux's PR_SET_PDEATHSIG fires when the starting *thread* ends, which a test's worker thread does all the time.)
# First the server's own stop signal, so that it gives back what the kernel would keep (PostgreSQL: shared memory).
_SCRIPT = """
read -r order
[ "$order" = rest ] && exit
kill -s CONT -- "-$1"
kill -s "$2" -- "-$1"
sleep 1
kill -s KILL -- "-$1"
[ -n "$3" ] && rm -rf -- "$3"
"""


class Guardian:
    """A shell that watches over one process group.

    Args:
        group: The process group to end when this process is gone.
        stop_signal: What to try first.
        folder: A folder to remove afterwards; None keeps everything.
    """

    def __init__(self, group: int, stop_signal: signal.Signals, folder: Path | None) -> None:
        read_end, self._lifeline = os.pipe()
        self._shell = subprocess.Popen(  # noqa: S603 - a fixed script, its arguments are ours
            ["/bin/sh", "-c", _SCRIPT, "guardian", str(group), stop_signal.name[3:], str(folder or "")],
            stdin=read_end,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(read_end)

    def rest(self) -> None:
        """End the watch: there is nothing left to watch over."""
        with suppress(BrokenPipeError):
            os.write(self._lifeline, b"rest\n")
        os.close(self._lifeline)
        self._shell.wait()
