"""A private server does as it is told, keeps its port and data, and is gone when we are."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from fastapi_factory_utilities.testing import Server, ServerError, mongo_server, no_leaks, postgres_server
from fastapi_factory_utilities.testing.servers import PrivateServer

PATIENCE_SECONDS = 15.0


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    """Gone, or a zombie that nobody here is the parent of."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def is_stopped(process: psutil.Process) -> bool:
    """Stopped, or a short-lived child that has ended meanwhile."""
    try:
        return process.status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return True


def process_of(server: Server) -> psutil.Process:
    assert isinstance(server, PrivateServer)
    assert server.pid is not None
    return psutil.Process(server.pid)


def test_it_answers_when_started_is_gone_when_killed_and_answers_again_on_the_same_port(server: Server) -> None:
    uri, process = server.uri, process_of(server)
    assert server.answers()
    server.kill()
    assert not process.is_running()
    assert not server.answers()
    server.start()
    assert server.answers()
    assert server.uri == uri
    server.restart()
    assert server.answers()
    assert server.uri == uri


def test_a_frozen_server_hangs_and_carries_on_when_thawed(server: Server) -> None:
    process = process_of(server)
    family = [process, *process.children(recursive=True)]
    server.freeze()
    wait_until(lambda: all(map(is_stopped, family)), "all its processes are stopped")
    assert not server.answers()
    server.thaw()
    server.wait_until_answers()


def test_a_frozen_server_can_be_stopped_and_closed(make: Callable[..., Server]) -> None:
    with make(private=True) as server:
        process = process_of(server)
        server.freeze()
    assert not process.is_running()


def test_starting_twice_or_stopping_twice_does_nothing(server: Server) -> None:
    pid = process_of(server).pid
    server.start()
    assert process_of(server).pid == pid
    server.kill()
    server.stop()
    server.stop()


def test_it_leaves_no_process_no_file_and_no_descriptor(make: Callable[..., Server]) -> None:
    before = set(psutil.Process().children(recursive=True))
    with no_leaks():
        with make(private=True) as server:
            assert isinstance(server, PrivateServer)
            folder, processes = server.folder, set(psutil.Process().children(recursive=True)) - before
            assert process_of(server) in processes
        assert not any(process.is_running() for process in processes)
        assert not folder.exists()


def test_a_folder_of_the_callers_is_kept_with_its_data(make: Callable[..., Server]) -> None:
    kind = type(make(private=True))
    assert issubclass(kind, PrivateServer)
    # Not pytest's folder: PostgreSQL's own user must get there.
    with tempfile.TemporaryDirectory() as ours:
        Path(ours).chmod(0o755)
        folder = Path(ours) / "kept"
        with kind(folder=folder):
            pass
        assert (folder / "data").exists()
        with kind(folder=folder) as server:
            assert server.answers()


@pytest.mark.parametrize("ending", ["sys.exit()", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_it_ends_with_the_process_that_started_it_however_that_goes(make: Callable[..., Server], ending: str) -> None:
    script = f"""
import os, signal, sys
from fastapi_factory_utilities.testing import {make.__name__}
server = {make.__name__}(private=True)
server.start()
print(server.pid, server.folder, flush=True)
{ending}
"""
    started = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    pid, folder = started.stdout.split()
    if started.returncode == 0:  # an orderly end has ended the server before
        assert is_gone(int(pid))
        assert not Path(folder).exists()
    wait_until(lambda: is_gone(int(pid)), f"process {pid} ends")
    wait_until(lambda: not Path(folder).exists(), f"{folder} is removed")
    assert started.returncode in {0, -signal.SIGKILL}


def test_a_server_that_does_not_want_to_stop_ends_all_the_same(tmp_path: Path) -> None:
    script = """
import os, signal
from pathlib import Path
from fastapi_factory_utilities.testing.servers import PrivateServer

class Stubborn(PrivateServer):
    backend, uri = "Stubborn", ""

    def command(self):
        return ["/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]

    def answers(self):
        return "ready" in self.log.read_text()

server = Stubborn()
server.start()
print(server.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    started = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    wait_until(lambda: is_gone(int(started.stdout)), "the stubborn server ends")


def test_a_server_that_ends_at_once_is_told_with_its_log(tmp_path: Path) -> None:
    class Broken(PrivateServer):
        backend = "Broken"
        uri = ""

        def command(self) -> list[str]:
            return ["/bin/sh", "-c", "echo cannot open the pod bay doors; exit 3"]

        def answers(self) -> bool:
            return False

    with pytest.raises(ServerError, match=r"(?s)Broken ended with exit status 3.*pod bay doors"), no_leaks():
        Broken(folder=tmp_path).__enter__()


def test_a_server_that_never_answers_is_told_and_ended(tmp_path: Path) -> None:
    class Mute(PrivateServer):
        backend = "Mute"
        uri = ""

        def command(self) -> list[str]:
            return ["sleep", "1000"]

        def answers(self) -> bool:
            return False

    mute = Mute(folder=tmp_path, deadline_seconds=0.2)
    with pytest.raises(ServerError, match=r"Mute does not answer after 0.2 s; its log is empty"), no_leaks(), mute:
        pass
    assert mute.pid is None


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    class Missing(PrivateServer):
        backend = "Missing"
        uri = ""

        def command(self) -> list[str]:
            return [str(tmp_path / "nothing-here")]

        def answers(self) -> bool:
            return False

    with pytest.raises(ServerError, match=r"Missing could not be started.*nothing-here"), Missing():
        pass


def test_a_port_that_is_taken_is_told(server: Server) -> None:
    assert isinstance(server, PrivateServer)
    with pytest.raises(ServerError, match=f"cannot use port {server.port}"), type(server)(port=server.port):
        pass


def test_it_says_so_when_it_does_not_run() -> None:
    for server in (mongo_server(private=True), postgres_server(private=True)):
        with pytest.raises(ServerError, match="start it first"):
            server.freeze()
        with pytest.raises(ServerError, match="start it first"):
            _ = server.uri
