"""What messages cost: CPU of the client process for each, against bare aio-pika on the same RabbitMQ.

Run it with `python -m benchmarks.bench_messages`; see `benchmarks/_harness.py` for the options. Each restart is a
process of its own. Every publish is persistent, mandatory and confirmed, on both sides. What is told is exported, to a
collector in a process of its own.
"""

import json
import subprocess
import sys

from benchmarks._harness import Report, Server, arguments, finish, uvicorn_command
from benchmarks._rounds_messages import AIO_PIKA, OURS, REPORTS
from fastapi_factory_utilities.testing import rabbitmq_server

MESSAGES = 100
SLICES = 3


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "", rounds=4, restarts=5)
    slices = 1 if options.quick else SLICES
    reports = {
        name: Report(f"RabbitMQ: {of['title']}", of["unit"], OURS if name == "rate" else AIO_PIKA, of["goals"])
        for name, of in REPORTS.items()
    }
    with (
        rabbitmq_server(private=True) as server,
        Server(uvicorn_command("benchmarks._collector:app", factory=False)) as collector,
    ):
        endpoint = f"http://127.0.0.1:{collector.port}"
        for _ in range(options.restarts):
            numbers = [str(number) for number in (options.rounds, MESSAGES, slices)]
            command = [sys.executable, "-m", "benchmarks._rounds_messages", server.uri, endpoint, *numbers]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            for name, samples in json.loads(done.stdout).items():
                for subject, costs in samples.items():
                    reports[name].samples.setdefault(subject, []).extend(costs)
    finish(list(reports.values()), options)


if __name__ == "__main__":
    main()
