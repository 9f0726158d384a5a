"""A newcomer who does what a page says: an empty folder, a terminal, perhaps a server, and nothing up their sleeve."""

import contextlib
import importlib
import io
import linecache
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from fastapi_factory_utilities.core.logs import reset_logging
from fastapi_factory_utilities.core.redaction import preserved_secrets
from tests.docs import claims
from tests.docs.backends import Make, PageBackends
from tests.docs.pages import Block
from tests.docs.service import RunningService, one_has_said
from tests.docs.shown import difference
from tests.docs.terminal import Terminal

__all__ = ["Newcomer", "at_work"]

_BECOMES_SECONDS = 10.0
_POLL_SECONDS = 0.2
_ASKS = re.compile(r"curl (?!.*(?:-X|--request|-d|--data)\b)")


class Newcomer:
    """Runs blocks one after another, as a person would copy them.

    Args:
        terminal: Where they type.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._home = terminal.folder
        self._namespace: dict[str, object] = {"__name__": "__main__"}
        self._configurations: list[Block] = []

    @property
    def service(self) -> RunningService:
        """The service in the background."""
        assert self._terminal.service is not None, "nothing runs in the background"
        return self._terminal.service

    def run(self, block: Block) -> None:
        """Do what a block says.

        Raises:
            AssertionError: It does not do what the page says.
        """
        try:
            self._do(block)
        except AssertionError as error:
            error.add_note(f"in {block}")
            raise

    def finish(self) -> None:
        """Check what can only be checked at the end: the configuration needs the code that reads it.

        Raises:
            AssertionError: It is refused, or the last command failed.
        """
        self._terminal.check_status()
        for block in self._configurations:
            claims.check_configuration(block, self._home)

    def _do(self, block: Block) -> None:
        match block.language:
            case "python" | "yaml" | "toml" | "markdown" if block.path is not None:
                self._write(block, block.path)
            case "yaml" | "toml":
                self._read(block)
            case "python":
                self._execute(block)
            case "console" | "bash" | "sh" | "shell":
                self._type(block)
            case "json" | "text" | "log":
                self._compare(block, block.text)
            case _:
                raise AssertionError(f"a block of language {block.language!r} is not checked by anything")

    def _write(self, block: Block, path: str) -> None:
        target = self._terminal.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block.text, encoding="utf-8")
        if block.language == "python":
            compile(block.text, str(target), "exec")
            importlib.invalidate_caches()
        elif block.language != "markdown":
            self._read(block)

    def _read(self, block: Block) -> None:
        claims.check_data(block)
        if claims.is_configuration(block):
            self._configurations.append(block)

    def _execute(self, block: Block) -> None:
        name = f"<{block}>"
        # So that tracebacks and `inspect` see the page's lines.
        padded = "\n" * (block.line - 1) + block.text
        linecache.cache[name] = (len(padded), None, padded.splitlines(keepends=True), name)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), _variables(self._terminal.environment_of_services()):
            exec(compile(padded, name, "exec"), self._namespace)  # noqa: S102 - what the page is for
        self._terminal.printed = printed.getvalue()

    def _type(self, block: Block) -> None:
        for command, expected in _commands(block.text):
            self._terminal.enter(command)
            if _ASKS.match(command):
                self._ask_until(command, expected)
            if expected.strip():
                self._compare(block, expected)

    def _ask_until(self, command: str, expected: str) -> None:
        """Ask a service again while it has not got there yet: what it becomes is promised, not in which millisecond."""
        terminal = self._terminal
        deadline = time.monotonic() + _BECOMES_SECONDS
        while time.monotonic() < deadline and (
            terminal.status or (expected and difference(expected, terminal.printed))
        ):
            time.sleep(_POLL_SECONDS)
            terminal.run(command)

    def _compare(self, block: Block, expected: str) -> None:
        """Compare what is shown with what was printed, or, when a service runs, with what it said since."""
        printed, services = self._terminal.printed, self._terminal.services
        found = difference(expected, printed)
        if found is not None and services and (block.language == "log" or not printed.strip()):
            found = one_has_said(services, expected)
        assert found is None, found


@contextlib.contextmanager
def at_work(folder: Path, mongo: Make, page: str) -> Iterator[Newcomer]:
    """Let a newcomer work through a page in a folder, and afterwards be as if they had never been here.

    Args:
        folder: An empty folder.
        mongo: Makes a MongoDB of the page's own.
        page: The page's text.
    """
    terminal = Terminal(folder, PageBackends(page, mongo))
    modules, path = set(sys.modules), list(sys.path)
    sys.path[:0] = [str(folder), str(folder / "src")]
    try:
        with preserved_secrets():
            yield Newcomer(terminal)
    finally:
        terminal.close()
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            # A namespace package has no file of its own.
            file = getattr(sys.modules[name], "__file__", None)
            if file is None or file.startswith(str(folder)):
                del sys.modules[name]
        reset_logging()


@contextlib.contextmanager
def _variables(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for a while: Python blocks find what commands find."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block, with what it prints."""
    command, printed = "", list[str]()
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, "\n".join(printed)
            command, printed = line.removeprefix("$ "), []
        elif command.endswith("\\"):
            command = command[:-1] + line.removeprefix("> ").lstrip()
        else:
            assert command, "a console block begins with a command: `$ ...`"
            printed.append(line)
    if command:
        yield command, "\n".join(printed)
