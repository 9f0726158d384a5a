"""Worker processes for tests: `python worker.py URL QUEUE VISIBILITY_SECONDS CONCURRENCY COUNT`.

They live until standard input ends. Each is forked from this one, which has imported everything and tells their process
ids; each says `ready` when it works.

A task's message is how long it takes, in seconds. What happens is told in Redis: the list `events` gets `start` and
`finish` with the task's id, the time, and how often it was delivered.
"""

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress

from redis.asyncio import Redis

from fastapi_factory_utilities.core.plugins.redis_client import RedisConfig, make_client
from fastapi_factory_utilities.core.plugins.taskiq_plugins.broker import StreamBroker
from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams_delivery import StreamDelivery


async def work(redis: Redis, delivery: StreamDelivery) -> None:
    await redis.rpush("events", f"start {delivery.task_id} {time.time()} {delivery.times}")
    working = asyncio.create_task(asyncio.sleep(float(delivery.data)))
    lost = asyncio.create_task(delivery.lost.wait())
    await asyncio.wait([working, lost], return_when=asyncio.FIRST_COMPLETED)
    lost.cancel()
    if working.done():
        await redis.rpush("events", f"finish {delivery.task_id} {time.time()} {delivery.times}")
        await delivery.done(None)


async def main(url: str, queue: str, visibility_seconds: float, concurrency: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with make_client(RedisConfig(url=url)) as redis:  # type: ignore[arg-type]  # pydantic makes a SecretStr of it
        broker = StreamBroker(redis, queue=queue, visibility_timeout_seconds=visibility_seconds)
        async with broker.deliveries(concurrency=concurrency) as deliveries, asyncio.TaskGroup() as group:

            async def run() -> None:
                async for delivery in deliveries:
                    group.create_task(work(redis, delivery))

            running = group.create_task(run())
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            await stop.wait()
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            raise SystemExit  # the group ends what still runs


def fork(*arguments: str) -> int:
    """Start a worker and return its process id."""
    if pid := os.fork():
        return pid
    os.close(0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    url, queue, visibility_seconds, concurrency = arguments
    asyncio.run(main(url, queue, float(visibility_seconds), int(concurrency)))
    raise SystemExit


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies: who is gone is gone
    *given, count = sys.argv[1:]
    pids = [fork(*given) for _ in range(int(count))]
    sys.stdout.write("".join(f"{pid}\n" for pid in pids))
    sys.stdout.flush()
    sys.stdin.read()
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
