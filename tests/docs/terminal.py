"""The terminal in which a page's commands are typed."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.docs import claims
from tests.docs.mongo import PageMongo
from tests.docs.service import RunningService

__all__ = ["Terminal"]

_COMMAND_SECONDS = 240
_ADDRESS = re.compile(r"\b(localhost|127\.0\.0\.1):\d{4,5}\b")
_SERVES = re.compile(
    r"(?P<command>python -m [\w.]+ &|.*(fastapi_factory_utilities|fastapi-factory|ffu) (--debug )?serve .*"
    r"|.*fastapi_factory_utilities\.example\b.*)"
)

Act = Callable[[re.Match[str]], None]


class Terminal:
    """Runs commands one after another in a folder, where nobody has set anything yet.

    What sets a machine up (`pip install`) is checked and not run; `docker` starts and stops the page's MongoDB; a
    service runs in the background, and addresses in later commands mean the port that it really has.

    Args:
        folder: Where.
        mongo: The page's MongoDB.
    """

    def __init__(self, folder: Path, mongo: PageMongo) -> None:
        self.folder = self._home = folder
        self.status = 0
        self.printed = ""
        self.service: RunningService | None = None
        self._mongo = mongo
        self._environment = _clean_environment(folder)
        self._begun: list[subprocess.Popen[bytes]] = []
        self._acts: list[tuple[re.Pattern[str], Act]] = [
            (re.compile(r"export (\w+)=(.*)"), self._export),
            (re.compile(r"cd (.+)"), self._go_to),
            (claims.SET_UP, self._do_nothing),
            (re.compile(r"docker (run|start|stop|kill|pause|unpause)\b.*"), self._control_mongo),
            (re.compile(r"secantusd-py()\b.*"), self._control_mongo),
            (re.compile(r"kill(?: -(\w+))? %1"), self._end_service),
            (re.compile(r"wait( %1)?"), self._wait),
            (_SERVES, self._serve),
            (re.compile(r"(.+)&"), self._begin),
        ]

    def enter(self, command: str) -> None:
        """Run one command; `printed` and `status` are then what came of it.

        Raises:
            AssertionError: The command before failed, and the page does not show it; or the command is a false claim.
        """
        claims.check_command(command)
        if command == "echo $?":
            self.printed, self.status = f"{self.status}\n", 0
            return
        self.check_status()
        self.printed = ""
        for pattern, act in self._acts:
            if match := pattern.fullmatch(command):
                act(match)
                return
        self.run(command)

    def run(self, command: str) -> None:
        """Run a command in the foreground, once more if need be."""
        done = subprocess.run(  # noqa: S602 - the pages are ours, and a shell is what they are for
            self._readdressed(command),
            shell=True,
            executable="/bin/bash",
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_COMMAND_SECONDS,
            text=True,
            check=False,
        )
        self.printed, self.status = done.stdout, done.returncode

    def check_status(self) -> None:
        """Check that the last command succeeded.

        Raises:
            AssertionError: It did not.
        """
        assert not self.status, f"a command failed with {self.status}; show it by `echo $?`. It said:\n{self.printed}"

    def environment_of_services(self) -> dict[str, str]:
        """What a service is told: not the port and the database that the page has, which may be taken here."""
        own = {"APP__SERVER__PORT": "0", "APP__SERVER__HOST": "127.0.0.1"}
        if any("odm:" in file.read_text() for file in self._home.rglob("*.yaml")):
            own["MONGO_URI"] = self._mongo.uri
        return {**self._environment, **own}

    def close(self) -> None:
        """End what still runs."""
        for process in self._begun:
            process.kill()
            process.wait()
        if self.service is not None:
            self.service.close()
        self._mongo.close()

    # --- what commands do ---

    def _do_nothing(self, _: re.Match[str]) -> None:
        pass

    def _export(self, match: re.Match[str]) -> None:
        self._environment[match[1]] = "".join(shlex.split(match[2]))

    def _go_to(self, match: re.Match[str]) -> None:
        self.folder = (self.folder / match[1]).resolve()

    def _control_mongo(self, match: re.Match[str]) -> None:
        self._mongo.obey(match[1] or "run")

    def _serve(self, match: re.Match[str]) -> None:
        if self.service is not None:
            self.service.close()
        self.service = RunningService(match["command"], self.folder, self.environment_of_services())
        self.status = self.service.wait_until_it_serves_or_ended()
        if self.status:
            self.printed = self.service.text

    def _end_service(self, match: re.Match[str]) -> None:
        assert self.service, "nothing runs in the background"
        self.status = self.service.end(match[1] or "TERM")

    def _begin(self, match: re.Match[str]) -> None:
        self._begun.append(
            subprocess.Popen(  # noqa: S602 - see above
                self._readdressed(match[1]),
                shell=True,
                executable="/bin/bash",
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )

    def _wait(self, match: re.Match[str]) -> None:
        if match[1]:
            assert self.service, "nothing runs in the background"
            self.status = self.service.status
        while self._begun:
            self.status = self.status or self._begun.pop(0).wait(_COMMAND_SECONDS)

    def _readdressed(self, command: str) -> str:
        return command if self.service is None else _ADDRESS.sub(rf"\1:{self.service.port}", command)


def _clean_environment(folder: Path) -> dict[str, str]:
    """The environment of somebody who has set nothing yet."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("COV_", "COVERAGE_", "LANG", "LC_"))}
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
        "COLUMNS": "80",
    }
