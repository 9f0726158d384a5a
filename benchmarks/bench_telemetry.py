"""What telemetry costs a request: CPU of the server process, exporting included, to a collector of its own process.

Run it with `python -m benchmarks.bench_telemetry`; see `benchmarks/_harness.py` for the options. The run fails when
spans are missing at the collector: what was dropped was not paid for.
"""

import argparse
import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from math import sqrt
from typing import Any
from urllib.request import urlopen
from uuid import uuid4

from benchmarks._harness import Load, Report, Server, arguments, cpu_per_request, finish, request_bytes, uvicorn_command
from benchmarks._rounds_mongo import connect, values
from benchmarks._subjects_telemetry import BOOK_ID, DATABASE
from fastapi_factory_utilities.testing import mongo_server

REQUESTS = {
    "bare FastAPI": "bare",
    "application": "application",
    "application, telemetry 100 %": "telemetry_100",
    "application, telemetry 10 %": "telemetry_10",
    "application, telemetry 1 %": "telemetry_1",
    "all as shipped: access log, one line, telemetry 100 %": "shipped",
    "stock contrib and SDK, 100 %": "stock",
}
OPERATIONS = {
    "bare FastAPI, PyMongo": "bare_mongo",
    "application, repository": "application_mongo",
    "application, repository, telemetry 100 %": "telemetry_mongo_100",
    "application, repository, telemetry 10 %": "telemetry_mongo_10",
    "stock contrib and SDK, PyMongo, 100 %": "stock_mongo",
}
WAITING = {
    "bare FastAPI": "bare_waiting",
    "application": "application_waiting",
    "application, telemetry 100 %": "telemetry_waiting",
}
# What one request records, and which share of it; a subject that is not here records nothing.
SPANS = {
    "telemetry_100": 1.0,
    "telemetry_10": 0.1,
    "telemetry_1": 0.01,
    "shipped": 1.0,
    "telemetry_waiting": 1.0,
    "telemetry_mongo_100": 2.0,
    "telemetry_mongo_10": 0.2,
}
QUICK = {"bare", "telemetry_100", "shipped", "stock", "bare_mongo", "application_mongo", "telemetry_mongo_100"}
ENOUGH = 0.9
FEW = 100  # spans; any share of them may be luck


class Run:
    """Servers of one kind, started together, and what they have cost.

    Args:
        report: Where samples go.
        subjects: The application factory of each subject.
        path: What is asked for.
    """

    def __init__(self, report: Report, subjects: Mapping[str, str], path: str) -> None:
        self.report = report
        self.subjects = subjects
        self.path = path

    def measure(self, options: argparse.Namespace, environment: Mapping[str, str], *, latency: bool = False) -> None:
        """Start the servers once, and measure `options.rounds` rounds.

        Args:
            options: The command line.
            environment: Where collector and database are.
            latency: Measure the median latency of one connection instead of CPU.

        Raises:
            RuntimeError: Spans are missing at the collector.
        """
        requests, slices = (100, 1) if options.quick else (60, 5) if latency else (300, 10)
        chosen = {name: factory for name, factory in self.subjects.items() if not options.quick or factory in QUICK}
        with Server(uvicorn_command("benchmarks._collector:app", factory=False)) as collector:
            where = {**environment, "BENCH_COLLECTOR": f"http://127.0.0.1:{collector.port}"}
            served: dict[str, int] = {}
            with ExitStack() as servers:
                rounds = {}
                for name, factory in chosen.items():
                    command = uvicorn_command(f"benchmarks._subjects_telemetry:{factory}")
                    server = servers.enter_context(Server(command, environment={**where, "BENCH_NAME": factory}))
                    load = servers.enter_context(
                        closing(_Counting(server.port, self.path, served, factory, connections=1 if latency else 16))
                    )
                    measure = _median_latency(load, requests) if latency else None
                    rounds[name] = measure or cpu_per_request(server, load, requests=requests)
                self.report.collect(rounds, rounds=options.rounds, slices=slices)
            _check(collector.port, served)


class _Counting(Load):
    """Load that keeps count of what each server was asked."""

    def __init__(self, port: int, path: str, served: dict[str, int], factory: str, *, connections: int) -> None:
        super().__init__(port, request_bytes(path), connections=connections)
        self._served = served
        self._factory = factory

    def drive(self, requests: int) -> Any:  # noqa: ANN401 - as the base class has it
        self._served[self._factory] = self._served.get(self._factory, 0) + requests
        return super().drive(requests)


def _median_latency(load: Load, requests: int) -> Callable[[], float]:
    def measure() -> float:
        result = load.drive(requests)
        assert result.statuses == {200: requests}, f"expected {requests} x 200, got {result.statuses}"
        return result.percentile(0.5) * 1e6

    return measure


def _check(port: int, served: Mapping[str, int]) -> None:
    """Compare what the collector has with what the servers, which have stopped and flushed, should have sent."""
    with urlopen(f"http://127.0.0.1:{port}/spans", timeout=10) as answer:
        arrived: dict[str, int] = json.load(answer)
    for factory, requests in served.items():
        expected = SPANS.get(factory, 0.0) * requests
        luck = 4 * sqrt(expected)  # of sampling
        if arrived.get(factory, 0) < ENOUGH * expected - luck and expected > FEW:
            raise RuntimeError(f"{factory}: {arrived.get(factory, 0)} spans arrived, {expected:.0f} were recorded")


async def _insert_book(uri: str) -> None:
    client = await connect(uri)
    now = datetime.now(UTC)
    document = {"_id": BOOK_ID, "revision_id": uuid4(), "created_at": now, "updated_at": now, **values()}
    await client.drop_database(DATABASE)
    await client[DATABASE]["books"].insert_one(document)
    await client.close()


def _against(baseline: str, title: str, report: Report, goals: Mapping[str, float]) -> Report:
    """Make a second report of the same samples, against another subject, which was measured twice as well."""
    other = Report(title, unit=report.unit, baseline=baseline, goals=goals)
    names = [name for name in report.samples if name not in (report.baseline, report.control)]
    other.samples = {name: report.samples[name] for name in names}
    return other


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "", rounds=2, restarts=5)
    goals = {"application": 1.02, "application, telemetry 100 %": 1.10, "application, telemetry 1 %": 1.06}
    goals["all as shipped: access log, one line, telemetry 100 %"] = 1.40
    per_request = Report("A request: GET /items/{id}", unit="us CPU", baseline="bare FastAPI", goals=goals)
    limits = {"application, repository, telemetry 100 %": 1.05, "application, repository, telemetry 10 %": 1.03}
    per_operation = Report("One MongoDB read", unit="us CPU", baseline="bare FastAPI, PyMongo", goals=limits)
    waiting = Report(
        "Median latency of an operation of 2 ms, one connection",
        unit="us",
        baseline="bare FastAPI",
        goals={"application, telemetry 100 %": 1.02},
    )
    # Measured twice, to be the baseline of telemetry alone.
    operations = {**OPERATIONS, "application, repository (control)": "application_mongo"}
    with mongo_server(private=True) as mongo:
        asyncio.run(_insert_book(mongo.uri))
        environment = {"BENCH_MONGO": mongo.uri}
        for _ in range(options.restarts):
            Run(per_request, REQUESTS, "/items/1").measure(options, environment)
            Run(per_operation, operations, f"/books/{BOOK_ID}").measure(options, environment)
            if not options.quick:
                Run(waiting, WAITING, "/items/1").measure(options, environment, latency=True)
    alone = _against(
        "application, repository", "Telemetry alone (NFR20): the same, against the same", per_operation, limits
    )
    finish([per_request, per_operation, alone, *([] if options.quick else [waiting])], options)


if __name__ == "__main__":
    main()
