"""The terminal in which a page's commands are typed."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.docs import claims
from tests.docs.backends import PageBackends
from tests.docs.service import RunningService

__all__ = ["Terminal"]

_COMMAND_SECONDS = 240
_ADDRESS = re.compile(r"\b(localhost|127\.0\.0\.1):(\d{4,5})\b")
_SERVES = re.compile(
    r"(?P<command>python -m [\w.]+ &|.*(fastapi_factory_utilities|fastapi-factory|ffu) (--debug )?serve .*"
    r"|.*(fastapi_factory_utilities|fastapi-factory|ffu) (worker|scheduler) .*&"
    r"|.*fastapi_factory_utilities\.example\b.*)"
)

Act = Callable[[re.Match[str]], None]


class Terminal:
    """Runs commands one after another in a folder, where nobody has set anything yet.

    What sets a machine up (`pip install`) is checked and not run; `docker` starts and stops the page's backends.
    Services, workers and schedulers run in the background; `%1` is the first of them. Addresses in later commands mean
    the port that a service really has.

    Args:
        folder: Where.
        backends: The page's backends.
    """

    def __init__(self, folder: Path, backends: PageBackends) -> None:
        self.folder = self._home = folder
        self.status = 0
        self.printed = ""
        self.services: list[RunningService] = []
        self._backends = backends
        self._environment = _clean_environment(folder)
        self._begun: list[subprocess.Popen[bytes]] = []
        self._acts: list[tuple[re.Pattern[str], Act]] = [
            (re.compile(r"export (\w+)=(.*)"), self._export),
            (re.compile(r"cd (.+)"), self._go_to),
            (claims.SET_UP, self._do_nothing),
            (re.compile(r"docker (run|start|stop|kill|pause|unpause)\b.*"), self._control_backend),
            (re.compile(r"secantusd-py()\b.*"), self._control_backend),
            (re.compile(r"kill(?: -(\w+))? %(\d)"), self._end_service),
            (re.compile(r"wait(?: %(\d))?"), self._wait),
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

    @property
    def service(self) -> RunningService | None:
        """The service that answers requests."""
        return next((service for service in self.services if service.answers), None)

    def environment_of_services(self) -> dict[str, str]:
        """What a service is told: not the port and the backends that the page has, which may be taken here."""
        own = {"APP__SERVER__PORT": "0", "APP__SERVER__HOST": "127.0.0.1"}
        configuration = "\n".join(file.read_text() for file in self._home.rglob("*.yaml"))
        return {**self._environment, **own, **self._backends.variables(configuration)}

    def close(self) -> None:
        """End what still runs."""
        for process in self._begun:
            process.kill()
            process.wait()
        for service in self.services:
            service.close()
        self._backends.close()

    # --- what commands do ---

    def _do_nothing(self, _: re.Match[str]) -> None:
        pass

    def _export(self, match: re.Match[str]) -> None:
        self._environment[match[1]] = "".join(shlex.split(match[2]))

    def _go_to(self, match: re.Match[str]) -> None:
        self.folder = (self.folder / match[1]).resolve()

    def _control_backend(self, match: re.Match[str]) -> None:
        self._backends.obey(match[1] or "run", match[0])

    def _serve(self, match: re.Match[str]) -> None:
        service = RunningService(match["command"], self.folder)
        # One that is started again, or another that answers requests, takes the place of the one before.
        places = [
            n for n, each in enumerate(self.services) if (each.answers and service.answers) or each.is_like(service)
        ]
        for place in places:
            self.services[place].close()
        service.start(self.environment_of_services())
        if places:
            self.services[places[0]] = service
        else:
            self.services.append(service)
        self.status = service.wait_until_it_runs_or_ended()
        if self.status:
            self.printed = service.text

    def _end_service(self, match: re.Match[str]) -> None:
        self.status = self._job(match[2]).end(match[1] or "TERM")

    def _job(self, number: str) -> RunningService:
        assert int(number) <= len(self.services), f"there is no job %{number} in the background"
        return self.services[int(number) - 1]

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
            self.status = self._job(match[1]).status
        while self._begun:
            self.status = self.status or self._begun.pop(0).wait(_COMMAND_SECONDS)

    def _readdressed(self, command: str) -> str:
        return _ADDRESS.sub(self._real_address, command)

    def _real_address(self, match: re.Match[str]) -> str:
        if port := self._backends.real_port(match[2]):
            return f"{match[1]}:{port}"
        asked = [service for service in self.services if service.shown_port == match[2]]
        service = asked[-1] if asked else self.service
        return match[0] if service is None else f"{match[1]}:{service.port}"


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
