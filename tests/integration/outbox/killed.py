"""Runs a path again and again, each time in a process that is killed one suspension later than the last one.

    python killed.py SCENARIO URI FILE

A suspension is every time that a coroutine of the path gives control to the event loop: every await that really waits.
There the process is killed with SIGKILL, in one run as soon as it waits (what it sent is on its way), in another when
the answer is there and the code has not gone on yet. It ends when a run was not killed: all were. Each run has a name,
`after-7`; the number of suspensions is printed.
"""

import asyncio
import os
import signal
import sys
import types
from collections.abc import Coroutine, Generator
from pathlib import Path
from typing import Any

from fastapi_factory_utilities.core.plugins.messages import OutgoingMessage
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.embedding import EmbeddedMessages
from tests.contracts.library import Book, Books
from tests.integration.outbox.post import FAST, EmbeddingBooks, Post, connect, event

_PATHS = (str(Path(__file__).parent), "odm_plugin/outbox/")
_MOST = 500


class Killer:
    """Counts the suspensions of coroutines, and kills the process at one of them."""

    def __init__(self, at: int, moment: str) -> None:
        self._left = at
        self._moment = moment
        self.counting = True

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch every task of the path; those of the driver's monitors have a life of their own."""

        def make(
            loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
        ) -> asyncio.Task[Any]:
            code = getattr(coroutine, "cr_code", None)
            if code is not None and any(path in code.co_filename for path in _PATHS):
                coroutine = self.stepped(coroutine)
            return asyncio.Task(coroutine, loop=loop, **options)

        loop.set_task_factory(make)

    async def stepped(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return await self._steps(coroutine)

    @types.coroutine
    def _steps(self, coroutine: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                waits_for = coroutine.send(value) if error is None else coroutine.throw(error)
            except StopIteration as done:
                return done.value
            value, error = None, None
            is_it = self._is_it()
            if is_it and self._moment == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                value = yield waits_for
            except BaseException as raised:  # noqa: BLE001 - it belongs to the coroutine
                error = raised
            if is_it:
                os.kill(os.getpid(), signal.SIGKILL)

    def _is_it(self) -> bool:
        if self.counting:
            self._left -= 1
        return self.counting and self._left == 0


class FileSender:
    """Appends what it is given to a file, which outlives us."""

    def __init__(self, path: Path, run: str) -> None:
        self._path = path
        self._run = run

    async def send(self, message: OutgoingMessage) -> None:
        await asyncio.sleep(0)
        with self._path.open("a") as file:
            file.write(f"{self._run} {message.message_id}\n")
        await asyncio.sleep(0)


async def save_and_publish(killer: Killer, uri: str, path: Path, run: str) -> None:
    async with connect(uri) as client:
        post = Post(client.get_default_database())
        async with post.outbox.transaction() as tx:
            await Books(post.database).insert(Book(title=run), session=tx.session)
            await tx.publish(event(run), key=run)
        killer.counting = False


async def relay(killer: Killer, uri: str, path: Path, run: str) -> None:
    killer.counting = False
    async with connect(uri) as client:
        post = Post(client.get_default_database(), FAST.model_copy(update={"collection": run}))
        await post.publish(f"{run}/0", f"{run}/1", key="emma")
        await post.publish(f"{run}/2", f"{run}/3")
        killer.counting = True
        async with post.relaying(FileSender(path, run)):
            while set((await post.states()).values()) != {"sent"}:
                await asyncio.sleep(0.005)
        killer.counting = False


async def save_embedded(killer: Killer, uri: str, path: Path, run: str) -> None:
    async with connect(uri) as client:
        post = Post(client.get_default_database())
        await EmbeddingBooks(post.database).insert(Book(title=run), events=[event(run)])
        await EmbeddedMessages(post.database, "books").collect(post.store, limit=10)
        killer.counting = False


SCENARIOS = {"save": save_and_publish, "relay": relay, "embedded": save_embedded}


def child(scenario: str, uri: str, path: Path, at: int, moment: str) -> None:
    killer = Killer(at, moment)

    async def main() -> None:
        killer.watch(asyncio.get_running_loop())
        await killer.stepped(SCENARIOS[scenario](killer, uri, path, f"{moment}-{at}"))

    asyncio.run(main())


def main() -> None:
    scenario, uri, file = sys.argv[1:]
    for moment in ("before", "after"):
        for at in range(1, _MOST):
            process = os.fork()
            if not process:
                child(scenario, uri, Path(file), at, moment)
                os._exit(0)
            _, status = os.waitpid(process, 0)
            if not os.WIFSIGNALED(status):
                break
        else:
            raise SystemExit(f"{scenario} has no end")
        if os.waitstatus_to_exitcode(status):
            raise SystemExit(f"{scenario} failed by itself, {moment} suspension {at}")
        sys.stdout.write(f"{at - 1}\n")


if __name__ == "__main__":
    main()
