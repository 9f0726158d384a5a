"""Signals to a process and everything below it."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

__all__ = ["family", "send"]


def family(pid: int) -> list[int]:
    """The process and all its descendants, the eldest first; some servers give each child a session of its own."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents():
        children.setdefault(parent, []).append(child)
    found = [pid]
    for member in found:
        found.extend(children.get(member, []))
    return found


def send(number: signal.Signals, pids: list[int]) -> None:
    """Send a signal to each process that still exists."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _parents() -> list[tuple[int, int]]:
    if Path("/proc/self/stat").exists():
        return [pair for stat in Path("/proc").glob("[0-9]*/stat") if (pair := _parent(stat))]
    everybody = ["ps", "-A", "-o", "pid=,ppid="]
    listing = subprocess.run(everybody, capture_output=True, check=True, text=True)  # noqa: S603 - a fixed command
    return [(int(child), int(parent)) for child, parent in map(str.split, listing.stdout.splitlines())]


def _parent(stat: Path) -> tuple[int, int] | None:
    """Read a process's own and its parent's id (proc_pid_stat(5)); None when it is gone meanwhile."""
    try:
        text = stat.read_text()
    except OSError:
        return None
    # The name is in parentheses and may hold anything: what follows is counted from the last one.
    return int(stat.parent.name), int(text[text.rindex(")") + 1 :].split()[1])
