"""Stack frames as short lines: `my_service/books.py:41 BookService.get`."""

import re
from collections import deque
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Final

__all__ = ["calling_frames", "traceback_frames"]

_CONCURRENCY: Final = {"anyio", "asyncio", "concurrent", "contextlib", "threading"}
_SERVING: Final = {"fastapi", "importlib", "runpy", "starlette", "uvicorn"}
_PLUMBING: Final = frozenset(_CONCURRENCY | _SERVING)
"""Packages whose frames say how a request travels, not what went wrong; a run of them becomes one line."""

_INSTALLED: Final = re.compile(r".*/(?:site-packages|dist-packages|lib/python3\.\d+)/")


class _Run:
    """Neighbouring frames that are told in a line or two: one call repeated, or calls within the plumbing."""

    def __init__(self, code: CodeType, line: int, package: str) -> None:
        self.length = 1
        self.last = code, line
        self._packages = {package} if package in _PLUMBING else None

    def absorb(self, code: CodeType, line: int, package: str) -> bool:
        """Take the next frame in, if it belongs to this run."""
        if self._packages is None:
            if (code, line) != self.last:
                return False
        elif package in _PLUMBING:
            self._packages.add(package)
            self.last = code, line
        else:
            return False
        self.length += 1
        return True

    def lines(self, *, is_last: bool) -> list[str]:
        line = _line(*self.last)
        if self.length == 1:
            return [line]
        if self._packages is None:
            return [f"{line} ({self.length} times)"]
        names = ", ".join(sorted(self._packages))
        if is_last:
            return [f"... {_frames(self.length - 1)} of {names}", line]
        return [f"... {_frames(self.length)} of {names}"]


class _Excerpt:
    """The first and the last runs of a list of frames that may be very long."""

    def __init__(self, first: int, last: int) -> None:
        self._first = first
        self._head: list[_Run] = []
        self._tail: deque[_Run] = deque(maxlen=last)
        self._current: _Run | None = None
        self._length = 0

    def add(self, frame: FrameType, line: int) -> None:
        self._length += 1
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if self._current is None or not self._current.absorb(frame.f_code, line, package):
            self._current = _Run(frame.f_code, line, package)
            (self._head if len(self._head) < self._first else self._tail).append(self._current)

    def lines(self) -> list[str]:
        runs = [*self._head, *self._tail]
        omitted = self._length - sum(run.length for run in runs)
        written: list[str] = []
        for index, run in enumerate(runs):
            if omitted and index == len(self._head):
                written.append(f"... {_frames(omitted)} left out")
            written += run.lines(is_last=run is runs[-1])
        return written


def traceback_frames(traceback: TracebackType | None, first: int, last: int) -> list[str]:
    """List the frames of a traceback, outermost first; the middle of a long one is counted, not shown."""
    excerpt = _Excerpt(first, last)
    while traceback is not None:
        excerpt.add(traceback.tb_frame, traceback.tb_lineno or 0)
        traceback = traceback.tb_next
    return excerpt.lines()


def calling_frames(frame: FrameType | None, last: int) -> list[str]:
    """List a frame and those that called it, outermost first, as far as the limit allows."""
    callers: list[FrameType] = []
    while frame is not None and len(callers) < last:
        callers.append(frame)
        frame = frame.f_back
    return [_line(caller.f_code, caller.f_lineno or 0) for caller in reversed(callers)]


def _frames(count: int) -> str:
    return f"{count} frame{'s' if count > 1 else ''}"


def _line(code: CodeType, line: int) -> str:
    return f"{_short(code.co_filename)}:{line} {code.co_qualname}"


@lru_cache(maxsize=1024)
def _short(filename: str) -> str:
    """Name a file as an import would find it, or from the working directory."""
    installed = _INSTALLED.match(filename)
    if installed:
        return filename[installed.end() :]
    try:
        return str(Path(filename).relative_to(Path.cwd()))
    except (ValueError, OSError):  # somewhere else, or the working directory is gone
        return filename
