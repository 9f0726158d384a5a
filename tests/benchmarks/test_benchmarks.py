"""The benchmarks start, finish, and measure what they say; how fast anything is, is no matter for a test."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks._harness import Report
from fastapi_factory_utilities.testing import mongo_server, rabbitmq_server, redis_server

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in (ROOT / "benchmarks").glob("bench_*.py"))
NEEDS = {"bench_messages": rabbitmq_server, "bench_mongo": mongo_server, "bench_tasks": redis_server}
NEEDS["bench_waiting"] = rabbitmq_server
NEEDS["bench_telemetry"] = mongo_server


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_starts_and_finishes(name: str) -> None:
    if name in NEEDS:
        NEEDS[name](private=True)  # says so, by the server's name, when there is none
    command = [sys.executable, "-m", f"benchmarks.{name}", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["versions"]["fastapi"]
    assert found["reports"]
    for report in found["reports"]:
        assert report["baseline"] in report["subjects"]
        assert all(subject["median"] > 0 for subject in report["subjects"].values())


def _report(costs: dict[str, list[float]]) -> Report:
    report = Report("A title", unit="us", baseline="bare", goals={"ours": 1.05})
    report.samples = {"bare": [10.0] * 7, "bare (control)": [10.0] * 7, **costs}
    return report


def test_a_missed_goal_is_told_as_missed() -> None:
    assert _report({"ours": [10.4] * 7}).verdict("ours") == "met"
    assert _report({"ours": [10.6] * 7}).verdict("ours") == "MISSED"
    assert "MISSED" in _report({"ours": [10.6] * 7}).as_table()


def test_a_verdict_counts_only_with_a_quiet_control_and_rounds_enough() -> None:
    assert _report({"ours": [9.0] * 7, "bare (control)": [10.2] * 7}).verdict("ours") == "does not count"
    few = _report({})
    few.samples = {name: costs[:6] for name, costs in _report({"ours": [9.0] * 7}).samples.items()}
    assert few.verdict("ours") == "does not count"


def test_every_subject_is_measured_in_every_round_and_the_baseline_twice() -> None:
    calls: list[str] = []

    def subject(name: str, cost: float) -> float:
        calls.append(name)
        return cost

    report = Report("A title", unit="us", baseline="bare")
    report.collect({"bare": lambda: subject("bare", 10), "ours": lambda: subject("ours", 11)}, rounds=3, slices=2)
    assert report.samples == {"bare": [10.0] * 3, "ours": [11.0] * 3, "bare (control)": [10.0] * 3}
    assert (calls.count("bare"), calls.count("ours")) == (16, 8)  # a round to warm up, and three to keep
    assert report.ratio("ours") == pytest.approx(1.1)
