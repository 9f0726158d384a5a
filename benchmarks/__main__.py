"""`make bench`: run every benchmark of this folder and write what they printed to benchmarks/RESULTS.md.

Arguments are handed to each benchmark; with `--quick` nothing is written, because the figures mean nothing.
"""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "RESULTS.md"


def main(arguments: list[str]) -> int:
    """Run the benchmarks one after another: side by side they would measure each other."""
    names = sorted(path.stem for path in HERE.glob("bench_*.py"))
    outputs: dict[str, str] = {}
    failed: list[str] = []
    for name in names:
        print(f"\n## {name}\n", flush=True)
        status, outputs[name] = run(name, arguments)
        if status != 0:
            failed.append(name)
    if failed:
        print(f"\nbench: failed, {RESULTS.name} not written: {', '.join(failed)}", file=sys.stderr)
        return 1
    if not {"--quick", "--json"}.intersection(arguments):
        RESULTS.write_text(document(outputs))
        print(f"\nbench: wrote {RESULTS.relative_to(HERE.parent)}")
    return 0


def run(name: str, arguments: list[str]) -> tuple[int, str]:
    """Run one benchmark, show its output as it comes, and return its exit status and that output."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    lines: list[str] = []
    with subprocess.Popen(command, cwd=HERE.parent, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return process.returncode, "".join(lines).strip()


def document(outputs: dict[str, str]) -> str:
    """Return RESULTS.md: when, on what, and every benchmark's own tables."""
    today = datetime.now(UTC).date().isoformat()
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    head = f"# Results\n\nWritten by `make bench` on {today}: {machine}. A ratio belongs to one run; see each script.\n"
    return "\n".join([head, *(f"## {name}\n\n{output}\n" for name, output in outputs.items())])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
