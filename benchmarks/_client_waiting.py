"""One consumer of `bench_waiting`: consumes a full queue for some seconds, and says what that took."""

import asyncio
import json
import sys
import time
from typing import ClassVar

import aio_pika
import psutil
import uvloop
from aio_pika.abc import AbstractIncomingMessage

from benchmarks._rounds_messages import ADAPTER, BookMessage
from fastapi_factory_utilities.core.plugins.aiopika import AbstractListener, Exchange, Queue

PREFETCH = 100
CONSUMED: list[str] = []


class Books(AbstractListener[BookMessage]):
    """Ours."""

    prefetch: ClassVar[int | None] = PREFETCH

    async def on_message(self, message: BookMessage) -> None:
        await asyncio.sleep(0.02)
        CONSUMED.append(message.data.id)


async def handle(message: AbstractIncomingMessage) -> None:
    """What somebody writes who uses aio-pika alone."""
    book = ADAPTER.validate_json(message.body)
    await asyncio.sleep(0.02)
    CONSUMED.append(book.id)
    await message.ack()


async def consumed_for(seconds: float) -> None:
    """Return so long after the first message."""
    async with asyncio.timeout(60):
        while not CONSUMED:  # noqa: ASYNC110 - an event for each message would be measured as well
            await asyncio.sleep(0.005)
    await asyncio.sleep(seconds)


async def main(kind: str, url: str, name: str, seconds: float) -> None:
    """Consume."""
    async with await aio_pika.connect_robust(url) as connection:
        began = time.process_time()
        if kind == "ours":
            listener = Books(Queue(name, Exchange(name, "direct"), "book"))
            listener.set_robust_connection(connection)
            await listener.listen()
            await consumed_for(seconds)
            await listener.close()
        else:
            channel = await connection.channel()
            await channel.set_qos(PREFETCH)
            queue = await channel.get_queue(name, ensure=False)
            tag = await queue.consume(handle)
            await consumed_for(seconds)
            await queue.cancel(tag)
        spent = time.process_time() - began
    resident = psutil.Process().memory_info().rss / 2**20
    print(json.dumps({"consumed": len(CONSUMED), "resident": resident, "cpu": spent}))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])))
