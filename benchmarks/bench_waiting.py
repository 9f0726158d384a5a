"""What a full queue costs: the client's memory and the broker's CPU while 100,000 messages wait, against bare aio-pika.

Run it with `python -m benchmarks.bench_waiting`; see `benchmarks/_harness.py` for the options. Each round is a process
that consumes for some seconds; what it took is put back before the next.
"""

import asyncio
import json
import subprocess
import sys
from uuid import uuid4

import aio_pika
import psutil
from pydantic import SecretStr

from benchmarks._harness import Report, arguments, finish
from benchmarks._rounds_messages import AIO_PIKA, BOOK, OURS, BookEvents, BookMessage
from benchmarks._servers import tree_cpu_seconds
from fastapi_factory_utilities.core.plugins.aiopika import AiopikaConfig, BrokerConnection, Exchange, Queue
from fastapi_factory_utilities.testing.servers import RabbitMQServer

WAITING = 100_000
SECONDS = 3.0
BATCH = 2_000


async def fill(url: str, name: str, count: int) -> None:
    """Make the queue, and fill it."""
    exchange = Exchange(name, "direct")
    connection = BrokerConnection(AiopikaConfig(amqp_url=SecretStr(url)), name="bench")
    async with connection.running():
        await connection.ready()
        await Queue(name, exchange, "book").set_robust_connection(connection).setup()
        events = BookEvents(exchange).set_robust_connection(connection)
        for begun in range(0, count, BATCH):
            books = [BookMessage(data=BOOK) for _ in range(min(BATCH, count - begun))]
            await events.publish_many(books, "book", timeout_seconds=60)


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "", rounds=7, restarts=1)
    waiting, seconds = (2 * BATCH, 0.1) if options.quick else (WAITING, SECONDS)
    reports = {
        "resident": Report(f"{waiting:,} messages waiting: memory of the client", "MiB", AIO_PIKA),
        "broker": Report(f"{waiting:,} messages waiting: CPU of the broker", "us CPU a message", AIO_PIKA),
        "cpu": Report(f"{waiting:,} messages waiting: CPU of the client", "us CPU a message", AIO_PIKA),
    }
    name = f"bench.{uuid4().hex}"
    with RabbitMQServer() as server:
        asyncio.run(fill(server.uri, name, waiting))
        assert server.pid is not None
        broker = psutil.Process(server.pid)
        for number in range(options.rounds):
            turns = [(AIO_PIKA, AIO_PIKA), (OURS, OURS), (AIO_PIKA, f"{AIO_PIKA} (control)")]
            for kind, called in turns if number % 2 else reversed(turns):
                before = tree_cpu_seconds(broker)
                command = [sys.executable, "-m", "benchmarks._client_waiting", kind, server.uri, name, str(seconds)]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                found = json.loads(done.stdout)
                spent = tree_cpu_seconds(broker) - before
                figures = {
                    "resident": found["resident"],
                    "broker": spent / found["consumed"] * 1e6,
                    "cpu": found["cpu"] / found["consumed"] * 1e6,
                }
                for of, figure in figures.items():
                    reports[of].samples.setdefault(called, []).append(figure)
                asyncio.run(fill(server.uri, name, found["consumed"]))
        left = asyncio.run(count_left(server.uri, name))
    finish(list(reports.values()), options)
    if not options.json:
        print(f"\n{left:,} messages were left at the end.")


async def count_left(url: str, name: str) -> int:
    """How many messages still wait."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(name, passive=True)
        return int(queue.declaration_result.message_count or 0)


if __name__ == "__main__":
    main()
