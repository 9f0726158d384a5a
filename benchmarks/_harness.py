"""The shared bench: paired, interleaved measurements with an A/A control, one table, and `--json`.

A benchmark names its subjects and how one round of each is measured; the rest is here::

    options = arguments("A request")
    report = Report("A request", unit="us CPU", baseline="bare", goals={"ours": 1.02})
    report.collect({"bare": round_of(bare), "ours": round_of(ours)}, rounds=options.rounds)
    finish([report], options)

Every round measures every subject once, in small slices whose order is drawn anew each time, so that whatever the
machine does, and whatever the subject before leaves behind, hits all of them alike. A ratio is the median of the
rounds' own ratios. The baseline is measured twice a round: `(control)` is the second time, and a verdict counts only
where the control is within 1.5 % of 1.
"""

import argparse
import json
import platform
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks._load import Load, LoadResult, request_bytes
from benchmarks._servers import Server, free_port, uvicorn_command

__all__ = [
    "Load",
    "LoadResult",
    "Report",
    "Server",
    "arguments",
    "cpu_per_request",
    "finish",
    "free_port",
    "request_bytes",
    "uvicorn_command",
]

CONTROL_TOLERANCE = 0.015
ROUNDS_NEEDED = 7
PACKAGES = (
    *("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "pydantic", "pydantic-core"),
    *("pymongo", "beanie", "aio-pika", "redis", "taskiq", "aiohttp", "joserfc", "cryptography"),
    *("opentelemetry-sdk", "opentelemetry-instrumentation-fastapi"),
)


@dataclass
class Report:
    """The samples of one comparison.

    Args:
        title: What is compared.
        unit: What one sample is, such as "us CPU per request".
        baseline: The subject that counts as 1.00.
        goals: The ratio that each subject should not exceed.
    """

    title: str
    unit: str
    baseline: str
    goals: Mapping[str, float] = field(default_factory=dict)
    samples: dict[str, list[float]] = field(default_factory=dict)

    @property
    def control(self) -> str:
        """The name under which the baseline is measured a second time."""
        return f"{self.baseline} (control)"

    def collect(
        self, subjects: Mapping[str, Callable[[], float]], *, rounds: int, slices: int = 1, warm_up: int = 1
    ) -> None:
        """Measure every subject `rounds` times, interleaved; call again after a restart to add more rounds.

        Args:
            subjects: A function for each subject that measures one round and returns its cost.
            rounds: How many rounds to keep.
            slices: How many calls make a round; their mean is its cost. Many short ones see the same machine.
            warm_up: Rounds to throw away first.
        """
        measured = {**subjects, self.control: subjects[self.baseline]}
        if rounds == 1:
            warm_up = 0  # one round is for seeing whether it runs at all
        names = list(measured)
        for number in range(-warm_up, rounds):
            costs = dict.fromkeys(measured, 0.0)
            for _ in range(slices):
                random.shuffle(names)
                for name in names:
                    costs[name] += measured[name]() / slices
            if number >= 0:
                for name, cost in costs.items():
                    self.samples.setdefault(name, []).append(cost)

    def ratio(self, name: str) -> float:
        """Return the median over the rounds of the subject's cost, divided by the baseline's of the same round."""
        return statistics.median(cost / base for cost, base in zip(self.samples[name], self._base(name), strict=True))

    def _base(self, name: str) -> list[float]:
        once, again = self.samples[self.baseline], self.samples[self.control]
        if name in (self.baseline, self.control):
            return once
        # Both measurements of the baseline are as true as each other.
        return [(first + second) / 2 for first, second in zip(once, again, strict=True)]

    @property
    def counts(self) -> bool:
        """Whether there are rounds enough, and the A/A control was quiet enough, for a verdict."""
        return (
            len(self.samples[self.baseline]) >= ROUNDS_NEEDED and abs(self.ratio(self.control) - 1) <= CONTROL_TOLERANCE
        )

    def verdict(self, name: str) -> str:
        """Say whether the goal was met: "met", "MISSED", "does not count", or nothing without a goal."""
        goal = self.goals.get(name)
        if goal is None:
            return ""
        if not self.counts:
            return "does not count"
        return "met" if self.ratio(name) <= goal else "MISSED"

    def as_json(self) -> dict[str, Any]:
        """Return everything for a program."""
        return {
            "title": self.title,
            "unit": self.unit,
            "baseline": self.baseline,
            "control_ratio": round(self.ratio(self.control), 4),
            "subjects": {
                name: {
                    "median": statistics.median(costs),
                    "min": min(costs),
                    "max": max(costs),
                    "rounds": len(costs),
                    "ratio": round(self.ratio(name), 4),
                    "goal": self.goals.get(name),
                    "verdict": self.verdict(name),
                }
                for name, costs in self.samples.items()
            },
        }

    def as_table(self) -> str:
        """Return everything for a person, as a Markdown table."""
        lines = [
            f"### {self.title}",
            "",
            f"| variant | {self.unit}: median | min..max | ratio | goal | verdict |",
            "|---|---|---|---|---|---|",
        ]
        for name, costs in self.samples.items():
            goal = f"<= {self.goals[name]:.2f}" if name in self.goals else ""
            lines.append(
                f"| {name} | {statistics.median(costs):.4g} | {min(costs):.4g}..{max(costs):.4g} "
                f"| {self.ratio(name):.3f} | {goal} | {self.verdict(name)} |"
            )
        rounds = len(self.samples[self.baseline])
        lines += ["", f"{rounds} rounds; control {self.ratio(self.control):.3f} (must be within 1.5 %)."]
        return "\n".join(lines)


def cpu_per_request(server: Server, load: Load, *, requests: int, status: int = 200) -> Callable[[], float]:
    """Return a function that measures one slice: the server tree's CPU per request, in microseconds.

    Args:
        server: A running server.
        load: Connections to it.
        requests: How many requests make a slice.
        status: The answer every request must get; any other stops the benchmark.
    """

    def measure() -> float:
        # A process that slept while others were measured finds its caches cold; that is not what a request costs.
        load.drive(max(1, requests // 4))
        before = server.cpu_seconds()
        result = load.drive(requests)
        spent = server.cpu_seconds() - before
        assert result.statuses == {status: requests}, f"expected {requests} x {status}, got {result.statuses}"
        return spent / requests * 1e6

    return measure


def arguments(description: str, *, rounds: int = 9, restarts: int = 5) -> argparse.Namespace:
    """Read the command line that every benchmark understands.

    Returns:
        `rounds` (for each start), `restarts`, `quick` and `json`; quick means "does it run?", not "how fast is it?".
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds, help="rounds for each start of the subjects")
    parser.add_argument("--restarts", type=int, default=restarts, help="how often the subjects are started anew")
    parser.add_argument("--quick", action="store_true", help="one small round: only shows that the benchmark runs")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON instead of tables")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.restarts = 1, 1
    return options


def finish(reports: Sequence[Report], options: argparse.Namespace) -> None:
    """Print the reports the way the command line asked for."""
    if options.json:
        print(json.dumps({"versions": versions(), "reports": [report.as_json() for report in reports]}, indent=2))
        return
    print("\n\n".join(report.as_table() for report in reports))
    print("\n" + ", ".join(f"{name} {number}" for name, number in versions().items()))


def versions() -> dict[str, str]:
    """Return the versions that the figures belong to."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
