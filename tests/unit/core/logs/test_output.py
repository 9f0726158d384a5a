"""What really comes out of a process."""

import fcntl
import io
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from fastapi_factory_utilities.core.logs import configure_logging, get_logger
from fastapi_factory_utilities.core.logs.output import Output
from fastapi_factory_utilities.core.logs.pipeline import Pipeline

SETUP = """
from fastapi_factory_utilities.core.logs import configure_logging, get_logger
configure_logging("json")
log = get_logger("x")
"""


def python(program: str) -> list[str]:
    return [sys.executable, "-c", SETUP + textwrap.dedent(program)]


def test_threads_do_not_tear_each_others_lines() -> None:
    program = """
    import threading
    def work(number):
        for count in range(100):
            log.info("working", worker=number, count=count, filling="x" * (5_000 if count % 5 == 0 else 50))
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    """
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)  # so that a long line has to wait in its middle
    with subprocess.Popen(python(program), stdout=writing) as process:
        os.close(writing)
        with open(reading) as pipe:  # noqa: PTH123 - a descriptor
            told = [json.loads(line) for line in pipe]
        assert process.wait(60) == 0
    assert len(told) == 800
    for number in range(8):
        assert [line["count"] for line in told if line["worker"] == number] == list(range(100))


@pytest.mark.parametrize("where", ["pipe", "file"])
def test_processes_do_not_tear_each_others_lines(where: str, tmp_path: Path) -> None:
    program = """
    import sys
    for count in range(300):
        log.info("working", worker=sys.argv[1], count=count, filling="x" * 3_000)
    """
    path = tmp_path / "log"
    if where == "file":
        with path.open("ab") as output:
            workers = [subprocess.Popen([*python(program), str(n)], stdout=output) for n in range(3)]
        assert [worker.wait(60) for worker in workers] == [0, 0, 0]
        text = path.read_text()
    else:
        reading, writing = os.pipe()
        workers = [subprocess.Popen([*python(program), str(n)], stdout=writing) for n in range(3)]
        os.close(writing)
        with open(reading) as pipe:  # noqa: PTH123 - a descriptor
            text = pipe.read()
        assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    assert len([json.loads(line) for line in text.splitlines()]) == 900


def test_a_forked_child_writes_on_though_another_thread_was_writing(run_python: Any) -> None:
    program = """
    import os, threading, warnings
    from fastapi_factory_utilities.core.logs.output import STDOUT
    warnings.simplefilter("ignore")
    STDOUT._lock.acquire()
    child = os.fork()
    if child == 0:
        log.info("from the child")
        os._exit(0)
    STDOUT._lock.release()
    os.waitpid(child, 0)
    log.info("from the parent")
    """
    done = run_python(SETUP + textwrap.dedent(program))
    assert [json.loads(line)["event"] for line in done.stdout.splitlines()] == ["from the child", "from the parent"]


def test_a_reader_that_went_away_costs_the_lines_and_nothing_else(run_python: Any) -> None:
    program = """
    import sys
    print("ready", file=sys.stderr, flush=True)
    sys.stdin.readline()
    for count in range(3):
        log.info("nobody reads this")
    print("alive", file=sys.stderr, flush=True)
    """
    command = python(program)
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n"
        process.stdout.close()
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stderr.readline() == "alive\n"
        process.stdin.close()
        assert process.wait(30) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_costs_the_lines_and_nothing_else() -> None:
    program = """
    import sys
    for count in range(3):
        log.info("there is no room for this")
    print("alive", file=sys.stderr)
    """
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(python(program), stdout=full, stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "alive\n")


@pytest.mark.parametrize("broken", ["sys.stdout.close()", "import os; os.close(1)", "sys.stdout = None"])
def test_a_closed_output_never_raises(broken: str, run_python: Any) -> None:
    end = "print('alive', file=sys.stderr, flush=True)\nimport os\nos._exit(0)"
    done = run_python(f"{SETUP}\nimport sys\n{broken}\nlog.info('unheard')\n{end}")
    assert (done.returncode, done.stderr) == (0, "alive\n")


def test_lines_that_were_lost_are_counted_when_the_output_takes_lines_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Moody(io.StringIO):
        broken = True

        def write(self, text: str) -> int:
            if self.broken:
                raise OSError(28, "No space left on device")
            return super().write(text)

    moody = Moody()
    monkeypatch.setattr(sys, "stdout", moody)
    configure_logging("json")
    for _ in range(3):
        get_logger("x").info("lost")
    moody.broken = False
    get_logger("x").info("found")
    told = [json.loads(line) for line in moody.getvalue().splitlines()]
    assert [(line["event"], line.get("lines")) for line in told] == [("found", None), ("log lines lost", 3)]


def test_a_line_that_cannot_be_made_is_owned_up_to_and_never_raises(capsys: pytest.CaptureFixture[str]) -> None:
    def render(created: float, level: str, name: str, event: str, entry: dict[str, Any]) -> tuple[str, str]:
        if event == "impossible":
            raise RecursionError
        return "", f"{event} {entry}"

    Pipeline(render, Output("stdout")).emit("info", "x", "impossible", {})
    expected = {"of_level": "info", "of_logger": "x", "reason": "RecursionError"}
    assert capsys.readouterr().out == f"log line could not be written {expected}\n"


def test_an_output_without_blocking_gets_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    size = fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ)
    with open(writing, "w") as pipe:  # noqa: PTH123 - a descriptor
        monkeypatch.setattr(sys, "stdout", pipe)
        monkeypatch.setattr(sys, "__stdout__", pipe)
        output = Output("stdout")
        assert output.write("fits")
        assert not output.write("x" * (size + 1))  # only the beginning of it fits
        assert output.lost == 1
        received = os.read(reading, 2 * size)
        assert output.write("next")
        received += os.read(reading, 2 * size)
    os.close(reading)
    assert received.splitlines()[0] == b"fits"
    assert received.splitlines()[-1] == b"next"


def test_a_line_is_one_write(run_python: Any) -> None:
    program = """
    import os
    write, written = os.write, []
    os.write = lambda descriptor, data: written.append(data) or write(descriptor, data)
    log.info("one", value="x" * 5_000)
    assert len(written) == 1
    """
    done = run_python(SETUP + textwrap.dedent(program))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["event"] == "one"
