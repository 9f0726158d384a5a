"""A question whose deadline holds, whoever is asked."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi_factory_utilities.core.logs import get_logger

__all__ = ["Asking"]

_log = get_logger(__name__)

_LATE_LIMIT = 8
_LAST_WORD_SECONDS = 1.0


class Asking:
    """Asks, and has an answer or a `TimeoutError` in time.

    `asyncio.timeout` waits for what it cancels, and drivers may take seconds to close what they were cancelled in, long
    after the truth was due. So each question is a task of its own; one that is late is cancelled and left to itself.

    Args:
        name: Who is asked, for tasks and logs.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._asked: set[asyncio.Task[None]] = set()

    async def ask(self, question: Callable[[], Awaitable[object]], seconds: float) -> None:
        """Ask, and return when the answer is good.

        Raises:
            TimeoutError: No answer came in time, or too many earlier questions still wait for theirs.
            Exception: Whatever the question raised.
        """
        late = TimeoutError(f"no answer within {seconds:g} s")
        if len(self._asked) >= _LATE_LIMIT:
            raise late
        task = asyncio.create_task(_answer(question), name=f"ask {self._name}")
        self._asked.add(task)
        task.add_done_callback(self._forget)
        try:
            await asyncio.wait({task}, timeout=seconds)
        finally:
            if not task.done():
                task.cancel()
        if not task.done() or task.cancelled():
            raise late
        task.result()

    async def close(self) -> None:
        """End the questions that still wait; one that ignores it is left behind, and said so."""
        if not self._asked:
            return
        for task in self._asked:
            task.cancel()
        await asyncio.wait(self._asked, timeout=_LAST_WORD_SECONDS)
        if self._asked:
            _log.error("ping ignores its cancellation", component=self._name)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._asked.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not report what nobody waits for any more


async def _answer(question: Callable[[], Awaitable[object]]) -> None:
    await question()
