"""What an operation on MongoDB costs the client: CPU of its process, against PyMongo and Beanie on the same documents.

Run it with `python -m benchmarks.bench_mongo`; see `benchmarks/_harness.py` for the options. Each restart is a process
of its own. Every subject has the deadline that `ODMPlugin` sets, except for the one that shows what the deadline costs.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks._harness import Report, arguments, finish
from benchmarks._rounds_mongo import BASELINES, GOALS, TITLES
from fastapi_factory_utilities.testing import mongo_server

OPERATIONS = 60


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "", rounds=4, restarts=5)
    operations = 5 if options.quick else OPERATIONS
    reports = {
        name: Report(f"MongoDB: {title}", unit="us CPU", baseline=BASELINES[name], goals=GOALS[name])
        for name, title in TITLES.items()
    }
    # A disk that is waited for costs CPU of its own kind: the data is kept in memory where that is possible.
    memory = Path("/dev/shm")  # noqa: S108 - a folder for the data, made with a name of its own
    tempfile.tempdir = str(memory) if memory.is_dir() else None
    with mongo_server(private=True) as server:
        for _ in range(options.restarts):
            command = [
                sys.executable,
                "-m",
                "benchmarks._rounds_mongo",
                server.uri,
                str(options.rounds),
                str(operations),
            ]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            for name, samples in json.loads(done.stdout).items():
                for subject, costs in samples.items():
                    reports[name].samples.setdefault(subject, []).extend(costs)
    finish(list(reports.values()), options)


if __name__ == "__main__":
    main()
