"""Whether anything was left behind."""

import asyncio
import os
import socket
import stat
import threading
import time
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

__all__ = ["no_leaks"]

_POLL_SECONDS = 0.02
# The worker threads of a running event loop belong to the loop, which ends them when it ends.
_LOOP_THREADS = ("asyncio_", "AnyIO worker thread")


@dataclass(frozen=True)
class _Level:
    """Everything that is open at one moment, each with its description."""

    tasks: Mapping[Hashable, str] = field(default_factory=dict)
    threads: Mapping[Hashable, str] = field(default_factory=dict)
    files: Mapping[Hashable, str] = field(default_factory=dict)

    def beyond(self, before: "_Level") -> list[str]:
        """What is open now and was not before."""
        return [
            description
            for now, then in ((self.tasks, before.tasks), (self.threads, before.threads), (self.files, before.files))
            for thing, description in now.items()
            if thing not in then
        ]


class no_leaks:  # noqa: N801 - used as a verb: `with no_leaks():`
    """Assert that a block leaves no asyncio task, thread, socket or pipe behind.

    Use `with no_leaks():` around a whole `asyncio.run(...)`, or `async with no_leaks():` inside a running loop, where
    tasks are counted too and the loop's own worker threads are not. What ends by itself shortly after the block is no
    leak: the check looks again until the deadline. When the block raises, its error is the news: nothing is checked.

    Args:
        deadline_seconds: How long things may take to end after the block.

    Raises:
        AssertionError: Listing everything that was left.
    """

    def __init__(self, *, deadline_seconds: float = 5.0) -> None:
        self._deadline_seconds = deadline_seconds
        self._before = _Level()

    def __enter__(self) -> Self:
        self._before = _level(in_loop=False)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if exc_type is not None:
            return
        deadline = time.monotonic() + self._deadline_seconds
        while left := _level(in_loop=False).beyond(self._before):
            if time.monotonic() > deadline:
                raise AssertionError(self._tell(left))
            time.sleep(_POLL_SECONDS)

    async def __aenter__(self) -> Self:
        self._before = _level(in_loop=True)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if exc_type is not None:
            return
        deadline = time.monotonic() + self._deadline_seconds
        while left := _level(in_loop=True).beyond(self._before):
            if time.monotonic() > deadline:
                raise AssertionError(self._tell(left))
            await asyncio.sleep(_POLL_SECONDS)

    def _tell(self, left: list[str]) -> str:
        listed = "".join(f"\n  - {thing}" for thing in left)
        return f"still there {self._deadline_seconds:g} s after the block, and not before it:{listed}"


def _level(*, in_loop: bool) -> _Level:
    return _Level(tasks=_tasks() if in_loop else {}, threads=_threads(in_loop=in_loop), files=_files())


def _tasks() -> dict[Hashable, str]:
    return {task: _describe_task(task) for task in asyncio.all_tasks() if not task.done()}


def _describe_task(task: "asyncio.Task[object]") -> str:
    where = ""
    if frames := task.get_stack(limit=1):
        where = f", waiting in {frames[0].f_code.co_filename}:{frames[0].f_lineno}"
    return f"asyncio task {task.get_name()!r} ({getattr(task.get_coro(), '__qualname__', '?')}{where})"


def _threads(*, in_loop: bool) -> dict[Hashable, str]:
    return {
        thread: f"thread {thread.name!r}"
        for thread in threading.enumerate()
        if not (in_loop and thread.name.startswith(_LOOP_THREADS))
    }


def _files() -> dict[Hashable, str]:
    """Open sockets and pipes; plain files are not counted: loggers, caches and coverage open them when they like."""
    found: dict[Hashable, str] = {}
    for entry in os.listdir("/dev/fd"):  # noqa: PTH208 - names only, and it exists on every POSIX system
        number = int(entry)
        try:
            identity, description = _identify(number)
        except OSError:
            continue  # closed meanwhile, as the listing's own is
        if description:
            found[identity] = f"{description} (descriptor {number})"
    return found


def _identify(number: int) -> tuple[Hashable, str]:
    """Tell a socket or pipe from any other; of anything else there is no description."""
    status = os.fstat(number)
    identity = (status.st_dev, status.st_ino)
    if stat.S_ISFIFO(status.st_mode):
        return identity, "pipe"
    if not stat.S_ISSOCK(status.st_mode):
        return identity, ""
    with socket.socket(fileno=os.dup(number)) as opened:
        description = f"socket {opened.getsockname()}"
        if opened.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return description, description  # whoever listens again where they listened before has left nothing
        with suppress(OSError):
            description += f" connected to {opened.getpeername()}"
    return identity, description
