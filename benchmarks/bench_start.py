"""What a start costs: CPU of the import, time until the first 200, memory at rest.

Run it with `python -m benchmarks.bench_start`; see `benchmarks/_harness.py` for the options.
"""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable

from benchmarks._harness import Report, Server, arguments, finish, free_port
from fastapi_factory_utilities.testing.servers import BackendNotAvailable, mongo_server

_MIB = 1024 * 1024


def import_cpu(statement: str) -> Callable[[], float]:
    """Return a function that measures the CPU milliseconds of a Python process that runs one statement."""

    def measure() -> float:
        process = subprocess.Popen([sys.executable, "-c", statement])
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        assert status == 0
        return (usage.ru_utime + usage.ru_stime) * 1000

    return measure


def first_answer(command: list[str], path: str) -> Callable[[], float]:
    """Return a function that measures the milliseconds from process start to the first 200."""

    def measure() -> float:
        port = free_port()
        began = time.perf_counter()
        process = subprocess.Popen(
            [part.replace("{port}", str(port)) for part in command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while not _answers(port, path):
                assert process.poll() is None, f"{command} ended"
                assert time.perf_counter() - began < 60
                time.sleep(0.002)
            return (time.perf_counter() - began) * 1000
        finally:
            process.kill()
            process.wait()

    return measure


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def memory(command: list[str], path: str) -> Callable[[], float]:
    """Return a function that measures the resident MiB of a server that has answered once."""

    def measure() -> float:
        with Server(command) as server:
            assert _answers(server.port, path)
            return server.resident_bytes() / _MIB

    return measure


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "", rounds=9)
    bare = [sys.executable, "-m", "benchmarks._start_bare", "{port}"]
    ours = [sys.executable, "-m", "benchmarks._start_ours", "{port}"]
    ready = "/api/v1/sys/readiness"
    imports = Report("CPU of the import", unit="ms CPU", baseline="fastapi, uvicorn", goals={"core.app": 1.05})
    imports.collect(
        {
            "fastapi, uvicorn": import_cpu("import fastapi, uvicorn"),
            "core.app": import_cpu("import fastapi_factory_utilities.core.app"),
        },
        rounds=options.rounds,
    )
    starts = Report(
        "Process start to the first 200",
        unit="ms",
        baseline="bare FastAPI + uvicorn",
        goals={"ours": 1.05, "ours with MongoDB": 1.30},
    )
    subjects = {"bare FastAPI + uvicorn": first_answer(bare, "/ready"), "ours": first_answer(ours, ready)}
    try:
        with mongo_server() as database:
            subjects["ours with MongoDB"] = first_answer([*ours, database.uri], ready)
            starts.collect(subjects, rounds=options.rounds)
    except BackendNotAvailable as error:
        print(f"not measured with MongoDB: {error}")
        starts.collect(subjects, rounds=options.rounds)
    at_rest = Report("Memory at rest", unit="MiB", baseline="bare FastAPI + uvicorn", goals={"ours": 1.10})
    at_rest.collect(
        {"bare FastAPI + uvicorn": memory(bare, "/ready"), "ours": memory(ours, ready)}, rounds=options.rounds
    )
    finish([imports, starts, at_rest], options)


if __name__ == "__main__":
    main()
