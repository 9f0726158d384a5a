"""A backend that is a process of ours: private port on loopback, private folder, gone when we are."""

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
from abc import abstractmethod
from contextlib import suppress
from pathlib import Path

from fastapi_factory_utilities.testing.ports import ReservedPort
from fastapi_factory_utilities.testing.servers.errors import ServerError
from fastapi_factory_utilities.testing.servers.guardian import Guardian
from fastapi_factory_utilities.testing.servers.processes import family, send
from fastapi_factory_utilities.testing.servers.server import Server

__all__ = ["PrivateServer"]

_LOG_LINES_TOLD = 15


class PrivateServer(Server):
    """A server process: `kill`, `restart`, `freeze` and `thaw` do what they say.

    No process is left behind: neither when the context manager ends, nor at exit, nor when this process is killed.

    Args:
        folder: Where it keeps its data and its log (`server.log`); by default a temporary folder, removed at the end.
        port: Its port on loopback; 0 takes a free one. The port stays the same as long as the object lives.
        deadline_seconds: How long it may take to answer after it was started.
        stop_seconds: How long it may take to stop before it is killed.
    """

    stop_signal = signal.SIGTERM

    def __init__(
        self,
        *,
        folder: Path | None = None,
        port: int = 0,
        deadline_seconds: float = 60.0,
        stop_seconds: float = 10.0,
    ) -> None:
        super().__init__(deadline_seconds=deadline_seconds)
        self._given_folder = folder
        self._temporary_folder: Path | None = None
        self._wanted_port = port
        self._reserved: ReservedPort | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._guardian: Guardian | None = None
        self._stop_seconds = stop_seconds
        self._owner = os.getpid()

    # --- what a kind of server says about itself ---

    @abstractmethod
    def command(self) -> list[str]:
        """The command that runs it in the foreground, on `self.host`, `self.port` and `self.folder`."""

    def prepare(self) -> None:
        """Make ready what the command needs, before each start."""

    def user(self) -> str | None:
        """The system user that it must run as; None is ours."""
        return None

    # --- where it is ---

    @property
    def host(self) -> str:
        """Its address: always loopback."""
        return "127.0.0.1"

    @property
    def port(self) -> int:
        """Its port, known from the first start on."""
        if self._reserved is None:
            raise ServerError(f"{self.backend} has no port yet: start it first, or use it inside `with`")
        return self._reserved.port

    @property
    def folder(self) -> Path:
        """Its folder: the given one, or a temporary one."""
        if self._given_folder is not None:
            return self._given_folder
        if self._temporary_folder is None:
            self._temporary_folder = Path(tempfile.mkdtemp(prefix="ffu-server-"))
        return self._temporary_folder

    @property
    def log(self) -> Path:
        """The file with everything that it printed."""
        return self.folder / "server.log"

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    # --- life ---

    def start(self) -> None:
        """See `Server.start`; does nothing when it runs already."""
        if self.pid is not None:
            return
        self._forget_process()
        if self._reserved is None:
            try:
                self._reserved = ReservedPort(self.host, self._wanted_port)
            except OSError as error:
                raise ServerError(
                    f"{self.backend} cannot use port {self._wanted_port}: {error.strerror}; choose another"
                ) from error
        self.folder.mkdir(parents=True, exist_ok=True)
        atexit.register(self._close_at_exit)
        self.prepare()
        self._launch()
        try:
            self.wait_until_answers()
        except BaseException:
            self.kill()
            raise

    def _launch(self) -> None:
        user = self.user()
        with self.log.open("ab") as log:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - the command is the server class's own
                    self.command(),
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    user=user,
                    group=user,
                    extra_groups=[] if user else None,
                )
            except OSError as error:
                raise ServerError(f"{self.backend} could not be started: {error}") from error
        self._guardian = Guardian(self._process.pid, self.stop_signal, self._temporary_folder)

    def stop(self) -> None:
        """See `Server.stop`; kills it when it does not stop in time."""
        if (pid := self.pid) is not None and self._process is not None:
            send(signal.SIGCONT, family(pid))
            send(self.stop_signal, [pid])
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(self._stop_seconds)
        self.kill()

    def kill(self) -> None:
        """See `Server.kill`."""
        if (pid := self.pid) is not None and self._process is not None:
            send(signal.SIGKILL, family(pid))
            self._process.wait()
        self._forget_process()

    def freeze(self) -> None:
        """See `Server.freeze`: the process and its children get SIGSTOP."""
        send(signal.SIGSTOP, family(self._running_pid()))

    def thaw(self) -> None:
        """See `Server.thaw`."""
        send(signal.SIGCONT, family(self._running_pid()))

    def close(self) -> None:
        """Stop it, or just end it when its folder is temporary; remove that folder and give the port back."""
        atexit.unregister(self._close_at_exit)
        if self._temporary_folder is None:
            self.stop()
        else:
            self.kill()
            shutil.rmtree(self._temporary_folder, ignore_errors=True)
            self._temporary_folder = None
        if self._reserved is not None:
            self._reserved.release()
            self._reserved = None

    def _close_at_exit(self) -> None:
        if os.getpid() == self._owner:  # a forked child leaves its parent's server alone
            self.close()

    def _forget_process(self) -> None:
        if self._guardian is not None:
            self._guardian.rest()
        self._guardian = self._process = None

    def _running_pid(self) -> int:
        if (pid := self.pid) is None:
            raise ServerError(f"{self.backend} does not run: start it first")
        return pid

    def _check_alive(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            raise ServerError(f"{self.backend} ended with exit status {self._process.returncode}{self._told()}")

    def _told(self) -> str:
        if not self.log.exists():
            return ""
        lines = self.log.read_text(errors="replace").splitlines()[-_LOG_LINES_TOLD:]
        return "; its log ends with:\n" + "\n".join(f"    {line}" for line in lines) if lines else "; its log is empty"
