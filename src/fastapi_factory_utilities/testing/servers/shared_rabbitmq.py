"""One RabbitMQ for all xdist workers of a test run: a node takes 5 s of CPU to start and 150 MiB.

The first worker starts a keeper, a process that holds the node; each worker holds the write end of a FIFO that the
keeper reads. The kernel tells the keeper when the last worker is gone, however it went, and the keeper ends the node.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NoReturn, TextIO

from fastapi_factory_utilities.testing.servers.erlang import ErlangNode
from fastapi_factory_utilities.testing.servers.errors import ServerError
from fastapi_factory_utilities.testing.servers.rabbitmq import (
    Address,
    RabbitMQNode,
    RabbitMQServer,
    rabbitmq_answers,
    rabbitmq_uri,
)

__all__ = ["SharedRabbitMQ"]

_HOST = "127.0.0.1"
_POLL_SECONDS = 0.05


class SharedRabbitMQ(RabbitMQNode):
    """The RabbitMQ of a test run; it starts with its first user and ends with its last.

    Args:
        run: The name of the run, the same in each of its processes.
    """

    controllable = False

    def __init__(self, run: str, *, deadline_seconds: float = 60.0) -> None:
        super().__init__(deadline_seconds=deadline_seconds)
        self._folder = Path(tempfile.gettempdir()) / f"ffu-rabbitmq-{run}"
        self._lifeline: int | None = None
        self._known: Address | None = None

    @property
    def uri(self) -> str:
        """Where it is reached, with the virtual host `/`."""
        return rabbitmq_uri(_HOST, self._running()["port"])

    def erlang_node(self) -> ErlangNode:
        """See `RabbitMQNode.erlang_node`."""
        known = self._running()
        return ErlangNode(_HOST, known["distribution_port"], known["cookie"])

    def start(self) -> None:
        """Join its users, and start it when there is none yet."""
        if self._lifeline is not None:
            return
        with _locked(self._folder):
            fifo = self._folder / "users"
            if not fifo.exists():
                os.mkfifo(fifo, 0o600)
            # For reading too, because a FIFO without a reader cannot be opened for writing alone.
            self._lifeline = os.open(fifo, os.O_RDWR)
            try:
                self._known = _read(self._folder)
                if self._known is None or not self.answers():
                    self._known = self._keep()
            except BaseException:
                self.stop()
                raise

    def _keep(self) -> Address:
        (self._folder / "server.json").unlink(missing_ok=True)
        log = self._folder / "keeper.log"
        # Through a shell that ends at once: the keeper is nobody's child, and outlives the worker that started it.
        command = ["/bin/sh", "-c", '"$@" </dev/null >"$0" 2>&1 &', str(log)]
        program = [sys.executable, "-m", "fastapi_factory_utilities.testing.servers.shared_rabbitmq", str(self._folder)]
        subprocess.run([*command, *program], check=True, start_new_session=True)  # noqa: S603 - ourselves
        deadline = time.monotonic() + self.deadline_seconds
        while (known := _read(self._folder)) is None:
            if time.monotonic() > deadline or (self._folder / "failed").exists():
                raise ServerError(f"{self.backend} could not be started for all workers:\n{log.read_text()}")
            time.sleep(_POLL_SECONDS)
        return known

    def stop(self) -> None:
        """Leave its users; it ends when there are none."""
        self._known = None
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None

    def answers(self) -> bool:
        """Whether it takes connections."""
        return self._known is not None and rabbitmq_answers(_HOST, self._known["port"])

    def kill(self) -> None:
        """Refuse."""
        self._refuse("kill")

    def restart(self) -> None:
        """Refuse."""
        self._refuse("restart")

    def freeze(self) -> None:
        """Refuse."""
        self._refuse("freeze")

    def thaw(self) -> None:
        """Refuse."""
        self._refuse("thaw")

    def _refuse(self, verb: str) -> NoReturn:
        raise ServerError(
            f"cannot {verb} the {self.backend} that all workers use: take a private one, or put a FaultProxy in front"
        )

    def _running(self) -> Address:
        if self._known is None:
            raise ServerError(f"{self.backend} does not run: start it first")
        return self._known


def _locked(folder: Path) -> TextIO:
    """Be the only one to change the folder, until the returned file is closed."""
    path = folder / "lock"
    while True:
        folder.mkdir(mode=0o700, exist_ok=True)
        with ExitStack() as opened:
            try:
                lock = opened.enter_context(path.open("a"))
                fcntl.flock(lock, fcntl.LOCK_EX)
                if path.stat().st_ino == os.fstat(lock.fileno()).st_ino:
                    opened.pop_all()
                    return lock
            except FileNotFoundError:  # the keeper has removed it since
                continue


def _read(folder: Path) -> Address | None:
    try:
        known: Address = json.loads((folder / "server.json").read_text())
    except FileNotFoundError:
        return None
    return known


def _keep(folder: Path) -> None:
    """Hold the node as long as somebody holds the FIFO."""
    users = os.open(folder / "users", os.O_RDONLY)
    try:
        with RabbitMQServer() as server:
            draft = folder / "server.json.draft"
            draft.write_text(json.dumps(server.address()))
            draft.rename(folder / "server.json")
            while True:
                os.set_blocking(users, True)
                os.read(users, 1)
                with _locked(folder):
                    os.set_blocking(users, False)
                    with suppress(BlockingIOError):  # somebody joined meanwhile
                        os.read(users, 1)
                        shutil.rmtree(folder)
                        return
    except BaseException:
        (folder / "failed").touch()
        raise


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
